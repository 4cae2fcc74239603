import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { isoTime } from '../../../core/clock.ts';
import { duration } from '../../../core/config/options.ts';
import { printable, TidegaugeError, UsageError } from '../../../core/errors.ts';
import { SILENCE_PARTS, SILENCE_TEXT, type Silence } from '../../../core/incident/silence.ts';
import { operation } from '../operation.ts';
import { notFound } from '../problem.ts';

const words = z.string().min(1).max(SILENCE_TEXT).regex(/\S/, 'a text that is not blank');
const glob = (whose: string) =>
  z.exactOptional(words).describe(`${whose}: a glob such as \`web-*\`; absent: all.`);
const id = z
  .string()
  .regex(/^[0-9a-f]{8}$/)
  .describe('8 hex digits.');
const time = z.iso.datetime({ offset: true });

const silenceJsonSchema = z.strictObject({
  id,
  host: z.string(),
  service: z.string(),
  container: z.string(),
  from: time,
  until: time,
  in_force: z.boolean(),
  owner: z.string(),
  reason: z.string(),
});

export const silenceJson = (
  { id, match, from, until, owner, reason }: Silence,
  now: number,
): z.output<typeof silenceJsonSchema> => ({
  ...{ id, ...match },
  ...{ from: isoTime(from), until: isoTime(until), in_force: from <= now && now < until },
  ...{ owner, reason },
});

/** A silence as `silenceJson` wrote it. Throws a ZodError when it is none. */
export function silenceFromJson(json: unknown): Silence {
  const { id, host, service, container, from, until, owner, reason } = silenceJsonSchema.parse(json);
  const times = { from: Date.parse(from), until: Date.parse(until) };
  return { id, match: { host, service, container }, ...times, owner, reason };
}

export const tooManySilences = (): TidegaugeError =>
  new TidegaugeError({
    place: 'silence add',
    found: 'too many silences are in force',
    remedy: 'End some (`tidegauge silence list`), or use a glob for several.',
  });

export const unknownSilence = (id: string) =>
  notFound({
    place: 'silence end',
    expected: 'the id of a silence in force',
    found: printable(id, 60),
    remedy: '`tidegauge silence list` shows them.',
  });

const silencePart = z.strictObject({
  host: glob('Of these hosts'),
  service: glob('Of these services'),
  container: glob('Of these containers'),
  for: duration({ min: '1ms', max: '90d' }).describe('How long, such as `2h`; at most 90d.'),
  reason: words.describe('Why, for others who see it.'),
  owner: z.exactOptional(words).describe('Who wants it, where no token says so.'),
});

export const silenceOperations = [
  operation({
    id: 'listSilences',
    method: 'GET',
    path: '/silences',
    summary: 'Silences in force, the first to end first.',
    query: z.strictObject({
      all: z.enum(['true', 'false']).default('false').describe('Also those that ended in the last 30 days.'),
    }),
    answer: z.array(silenceJsonSchema),
    run: async ({ state, now }, { query: { all } }) => ({
      value: (await state.silences(all === 'true' ? 0 : now)).map(silence => silenceJson(silence, now)),
    }),
  }),
  operation({
    id: 'addSilence',
    method: 'POST',
    path: '/silences',
    summary: 'Send no notifications for a while, from now on; incidents are raised and stored all the same.',
    body: silencePart,
    answer: silenceJsonSchema,
    async run({ state, now }, { body, by }) {
      if (SILENCE_PARTS.every(part => body[part] === undefined)) {
        throw new UsageError({
          place: '',
          found: 'one of host, service and container is required',
          remedy: 'To silence everything, send `"host": "*"`.',
        });
      }
      const { host = '*', service = '*', container = '*', reason } = body;
      const silence: Silence = {
        id: randomBytes(4).toString('hex'),
        match: { host, service, container },
        from: now,
        until: Math.ceil(now + body.for),
        owner: by ?? body.owner ?? 'api',
        reason,
      };
      if (!(await state.saveSilence(silence, now))) throw tooManySilences();
      return { value: silenceJson(silence, now) };
    },
  }),
  operation({
    id: 'endSilence',
    method: 'DELETE',
    path: '/silences/{id}',
    summary: 'End one early: what it held back and still fires is sent.',
    params: z.strictObject({ id }),
    answer: silenceJsonSchema,
    async run({ state, now }, { path }) {
      const silence = (await state.silences(now)).find(each => each.id === path.id);
      if (!silence) throw unknownSilence(path.id);
      const ended = { ...silence, until: now };
      await state.saveSilence(ended, now);
      return { value: silenceJson(ended, now) };
    },
  }),
];
