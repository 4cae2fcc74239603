import { z } from 'zod';
import { isoTime } from '../../../core/clock.ts';
import { printable, TidegaugeError, UsageError } from '../../../core/errors.ts';
import { ACK_TEXT, type Ack } from '../../../core/incident/ack.ts';
import { type Incident, SEVERITIES } from '../../../core/incident/incident.ts';
import type { State } from '../../../state/contract.ts';
import { operation, pageOf, pageQuery, text } from '../operation.ts';
import { unknownIncident } from './incidents.ts';

const time = z.iso.datetime();
const ackJsonSchema = z.strictObject({
  incident: z.string(),
  host: z.string(),
  service: z.string(),
  container: z.string(),
  severity: z.enum(SEVERITIES).describe('How bad it was then: what becomes worse is told again.'),
  by: z.string(),
  note: z.string(),
  at: time,
  undone: z.strictObject({ by: z.string(), at: time }).nullable().describe('Who took it back; null: nobody.'),
});

const ackJson = ({ at, undone, ...ack }: Ack): z.output<typeof ackJsonSchema> => ({
  ...ack,
  at: isoTime(at),
  undone: undone ? { by: undone.by, at: isoTime(undone.at) } : null,
});

/** An acknowledgement as the API gives it. Throws a ZodError when it is none. */
export function ackFromJson(json: unknown): Ack {
  const { at, undone, ...ack } = ackJsonSchema.parse(json);
  const taken = { ...ack, at: Date.parse(at) };
  return undone === null ? taken : { ...taken, undone: { by: undone.by, at: Date.parse(undone.at) } };
}

/** Throws when the incident is over: nobody is told of it again anyway. */
export function taken(incident: Incident, said: Pick<Ack, 'by' | 'at' | 'note'>): Ack {
  const { id, host, service, container, severity, resolvedAt } = incident;
  if (resolvedAt !== null)
    throw wrong(
      `${printable(id)} has been over since ${isoTime(resolvedAt)}: nobody is told of it again, so there is nothing to see to`,
      `Say what it was instead: \`tidegauge incident mark ${printable(id)} --real\`, \`--expected\` or \`--false-alarm\`.`,
    );
  return { incident: id, host, service, container, severity, ...said };
}

/** Throws when nobody has acknowledged it. */
export async function undone(
  state: Pick<State, 'acks'>,
  { id }: Incident,
  said: Pick<Ack, 'by' | 'at'>,
): Promise<Ack> {
  const ack = (await state.acks()).find(({ incident }) => incident === id);
  if (!ack || ack.undone)
    throw wrong(`nobody has acknowledged ${printable(id)}`, 'Look at `tidegauge incidents`.');
  return { ...ack, undone: said };
}

const wrong = (found: string, remedy: string): TidegaugeError =>
  new UsageError({ place: 'incident ack', found, remedy });

/** Returns it as it is kept; throws a TidegaugeError when there are too many. */
export async function keepAck(state: Pick<State, 'saveAck'>, ack: Ack): Promise<Ack> {
  if (await state.saveAck(ack)) return ack;
  throw tooManyAcks();
}

const tooManyAcks = (): TidegaugeError =>
  new TidegaugeError({
    place: 'incident ack',
    found: 'too many acknowledgements are kept',
    remedy: 'They are forgotten with their incidents, 30 days after these ended.',
  });

const id = text('As the list of incidents shows it.');
const note = z.string().max(ACK_TEXT).default('').describe('For others who see it.');
const by = z.exactOptional(z.string().min(1).max(ACK_TEXT)).describe('Who says so, where no token does.');

async function found(state: Pick<State, 'incident'>, id: string): Promise<Incident> {
  const incident = await state.incident(id);
  if (!incident) throw unknownIncident(id);
  return incident;
}

const kept = async (state: Pick<State, 'saveAck'>, ack: Ack) => ({
  value: ackJson(await keepAck(state, ack)),
});

export const ackOperations = [
  operation({
    id: 'listAcks',
    method: 'GET',
    path: '/acks',
    summary: 'Who has taken incidents on, the oldest first.',
    query: z.strictObject(pageQuery()),
    answer: z.array(ackJsonSchema),
    async run({ state }, { query }) {
      const { page, next } = pageOf(await state.acks(), ({ incident }) => incident, query);
      return { value: page.map(ackJson), next };
    },
  }),
  operation({
    id: 'acknowledgeIncident',
    method: 'PUT',
    path: '/incidents/{id}/ack',
    summary: 'Say that you see to it: nobody is told of it again until it gets worse.',
    params: z.strictObject({ id }),
    body: z.strictObject({ note, by }),
    answer: ackJsonSchema,
    async run({ state, now }, { path, body, by }) {
      const said = { by: (by ?? body.by ?? 'api').slice(0, ACK_TEXT), at: now, note: body.note };
      return kept(state, taken(await found(state, path.id), said));
    },
  }),
  operation({
    id: 'unacknowledgeIncident',
    method: 'DELETE',
    path: '/incidents/{id}/ack',
    summary: 'Take that back.',
    params: z.strictObject({ id }),
    answer: ackJsonSchema,
    run: async ({ state, now }, { path, by }) =>
      kept(state, await undone(state, await found(state, path.id), { by: by ?? 'api', at: now })),
  }),
];
