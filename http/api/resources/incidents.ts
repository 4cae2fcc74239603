import { z } from 'zod';
import { isoTime } from '../../../core/clock.ts';
import { printable } from '../../../core/errors.ts';
import { type Ack, isAcknowledged } from '../../../core/incident/ack.ts';
import {
  INCIDENT_STATES,
  type Incident,
  SEVERITIES,
  stateOfIncident,
} from '../../../core/incident/incident.ts';
import { incidentJson, incidentSchema } from '../../../core/incident/incident-json.ts';
import { MARK_KINDS, type Mark, newestMarks } from '../../../core/incident/mark.ts';
import type { State } from '../../../state/contract.ts';
import { globs, operation, pageOf, pageQuery, rangeOf, rangeQuery, takesOf, text } from '../operation.ts';
import { notFound } from '../problem.ts';
import type { ListedDelivery } from './deliveries.ts';

/** Incidents looked at, newest first. */
const LIMIT = 10_000;

/** What people said of incidents, by incident. */
export interface Said {
  readonly marks: ReadonlyMap<string, Mark>;
  readonly acks: ReadonlyMap<string, Ack>;
}

const saidSchema = incidentSchema.extend({
  mark: z.exactOptional(
    z
      .strictObject({
        kind: z.enum(MARK_KINDS),
        by: z.string(),
        note: z.string(),
        at: z.string(),
        from: z
          .string()
          .nullable()
          .describe('Frames from then on are judged by it; null: none has been yet.'),
      })
      .describe('What a person said of it; absent: nobody has.'),
  ),
  ack: z.exactOptional(
    z
      .strictObject({
        by: z.string(),
        note: z.string(),
        at: z.string(),
        severity: z.enum(SEVERITIES).describe('How bad it was then.'),
        in_force: z.boolean().describe('Nobody is told of it again as it is now.'),
      })
      .describe('Who has taken it on; absent: nobody has.'),
  ),
});

const toldSchema = saidSchema.extend({
  notifications: z.array(
    z.strictObject({
      key: z.string(),
      receiver: z.string(),
      about: z.string(),
      status: z.string(),
      attempts: z.int(),
      last_error: z.string().nullable(),
    }),
  ),
});

/** An incident with its `mark` and `ack`, where there is one: otherwise as `review` and `replay` print it. */
export function saidJson(incident: Incident, { marks, acks }: Said): z.output<typeof saidSchema> {
  const [mark, ack] = [marks.get(incident.id), acks.get(incident.id)];
  return {
    ...incidentJson(incident),
    ...(mark ? { mark: markOf(mark) } : {}),
    ...(ack && !ack.undone ? { ack: ackOf(incident, ack) } : {}),
  };
}

const markOf = ({ kind, by, note, at, from }: Mark) => ({
  ...{ kind, by, note, at: isoTime(at) },
  from: from === null ? null : isoTime(from),
});

const ackOf = (incident: Incident, ack: Ack) => ({
  ...{ by: ack.by, note: ack.note, at: isoTime(ack.at), severity: ack.severity },
  in_force: isAcknowledged(incident, ack),
});

/** All that was said, or what was said of the incidents of a host. */
async function saidIn(state: Pick<State, 'marks' | 'acks'>, host: string | null): Promise<Said> {
  const marks = newestMarks(await state.marks(host));
  return { marks, acks: new Map((await state.acks()).map(ack => [ack.incident, ack])) };
}

/** Incidents as they are, each with its `notifications`. */
export function withNotifications(
  found: readonly Incident[],
  deliveries: ReadonlyMap<string, readonly ListedDelivery[]>,
  said: Said,
): z.output<typeof toldSchema>[] {
  return found.map(incident => ({
    ...saidJson(incident, said),
    notifications: (deliveries.get(incident.id) ?? []).map(delivery => {
      const { key, receiver, status: about } = delivery.notification;
      const { status, attempts, lastError } = delivery;
      return { key, receiver, about, status, attempts, last_error: lastError };
    }),
  }));
}

export const unknownIncident = (id: string) =>
  notFound({
    place: 'id',
    expected: 'the id of an incident of the last 30 days',
    found: printable(id, 60) || 'nothing',
    remedy: 'GET /api/v1/incidents?from=30d lists them.',
  });

export const incidentOperations = [
  operation({
    id: 'listIncidents',
    method: 'GET',
    path: '/incidents',
    summary: 'Incidents that were firing at any moment of a range, newest first.',
    query: z.strictObject({
      ...rangeQuery('24h'),
      state: z.exactOptional(z.enum(INCIDENT_STATES)).describe('Only those that stand so.'),
      host: z.exactOptional(text('Only of these hosts: a glob.')),
      ...globs,
      ...pageQuery(),
    }),
    answer: z.array(saidSchema),
    async run({ state, now }, { query }) {
      const takes = takesOf(query);
      const found = (await state.incidents(rangeOf(query, now), LIMIT)).filter(
        incident =>
          (query.state === undefined || stateOfIncident(incident) === query.state) && takes(incident),
      );
      const said = await saidIn(state, null);
      const { page, next } = pageOf(found, ({ id }) => id, query);
      return { value: page.map(incident => saidJson(incident, said)), next };
    },
  }),
  operation({
    id: 'getIncident',
    method: 'GET',
    path: '/incidents/{id}',
    summary: 'One incident, with what became of its notifications.',
    params: z.strictObject({ id: text('As the list shows it.') }),
    answer: toldSchema,
    async run({ state }, { path: { id } }) {
      const incident = await state.incident(id);
      if (!incident) throw unknownIncident(id);
      const said = await saidIn(state, incident.host);
      const [value] = withNotifications([incident], new Map([[id, await state.deliveriesAbout(id)]]), said);
      return { value };
    },
  }),
];
