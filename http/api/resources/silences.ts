import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { isoTime } from '../../../core/clock.ts';
import { duration } from '../../../core/config/options.ts';
import { printable, TidegaugeError, UsageError } from '../../../core/errors.ts';
import type { Incident } from '../../../core/incident/incident.ts';
import { matcherText, matcherTexts, parseMatcher } from '../../../core/incident/matcher.ts';
import {
  coverage,
  endedAt,
  isInForce,
  SILENCE_PARTS,
  SILENCE_TEXT,
  type Silence,
  SOON_MS,
} from '../../../core/incident/silence.ts';
import type { State } from '../../../state/contract.ts';
import { operation } from '../operation.ts';
import { notFound } from '../problem.ts';

export const words = z.string().min(1).max(SILENCE_TEXT).regex(/\S/, 'a text that is not blank');
const glob = (whose: string) =>
  z.exactOptional(words).describe(`${whose}: a glob such as \`web-*\`; absent: all.`);
const id = z
  .string()
  .regex(/^[0-9a-f]{8}$/)
  .describe('8 hex digits.');
const time = z.iso.datetime({ offset: true });

export const silenceJsonSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(['silence', 'deploy', 'maintenance']),
  host: z.string(),
  service: z.string(),
  container: z.string(),
  matchers: z.array(z.string()).describe('All have to hold, besides the globs.'),
  from: time,
  until: time,
  in_force: z.boolean(),
  owner: z.string(),
  reason: z.string(),
  holds: z.array(z.string()).describe('Ids of the firing incidents that it keeps back.'),
  expiring: z.boolean().describe('It ends within 15 minutes, and keeps something back.'),
});

/** A silence, and the firing incidents that it keeps back now. */
export interface Holding {
  readonly silence: Silence;
  readonly holds: readonly Incident[];
}

export const holdingOf = (silence: Silence, firing: readonly Incident[], now: number): Holding => {
  const covering = coverage([silence]);
  return { silence, holds: firing.filter(incident => covering(incident, now) !== null) };
};

/** It ends soon, and keeps something back. */
export const isSoon = ({ silence, holds }: Holding, now: number): boolean =>
  holds.length > 0 && silence.until - now <= SOON_MS;

export function silenceJson({ silence, holds }: Holding, now: number): z.output<typeof silenceJsonSchema> {
  const { id, kind, match, matchers = [], from, until, owner, reason } = silence;
  return {
    ...{ id, kind: kind ?? 'silence', ...match, matchers: matchers.map(matcherText) },
    ...{ from: isoTime(from), until: isoTime(until), in_force: isInForce(silence, now) },
    ...{ owner, reason },
    holds: holds.map(incident => incident.id),
    expiring: isSoon({ silence, holds }, now),
  };
}

/** A silence as `silenceJson` wrote it. Throws a ZodError when it is none. */
export function silenceFromJson(json: unknown): Silence {
  const { id, kind, host, service, container, matchers, from, until, owner, reason } =
    silenceJsonSchema.parse(json);
  return {
    ...{ id, match: { host, service, container } },
    ...(kind === 'silence' ? {} : { kind }),
    ...(matchers.length === 0 ? {} : { matchers: matchers.map(parseMatcher) }),
    ...{ from: Date.parse(from), until: Date.parse(until), owner, reason },
  };
}

/** Firing incidents looked at. */
const LIMIT = 10_000;

/** What silences may keep back at `now`, epoch ms. */
export const firingAt = async (state: Pick<State, 'incidents'>, now: number): Promise<Incident[]> =>
  (await state.incidents({ from: now, to: now + 1 }, LIMIT)).filter(({ resolvedAt }) => resolvedAt === null);

/** Each with what it keeps back now. */
export async function heldJson(state: Pick<State, 'incidents'>, silences: readonly Silence[], now: number) {
  const firing = await firingAt(state, now);
  return silences.map(silence => silenceJson(holdingOf(silence, firing, now), now));
}

export const newSilenceId = (): string => randomBytes(4).toString('hex');

/** Returns the silence as it is kept; throws a TidegaugeError when there are too many. */
export async function keepSilence(
  state: Pick<State, 'saveSilence'>,
  silence: Silence,
  now: number,
): Promise<Silence> {
  if (await state.saveSilence(silence, now)) return silence;
  throw tooMany();
}

/** Returns the silence, ended; throws an ApiError when none in force or to come has this id. */
export async function endSilence(
  state: Pick<State, 'saveSilence' | 'silences'>,
  id: string,
  now: number,
): Promise<Silence> {
  const silence = (await state.silences(now)).find(each => each.id === id);
  if (!silence) throw unknown(id);
  return keepSilence(state, endedAt(silence, now), now);
}

const tooMany = (): TidegaugeError =>
  new TidegaugeError({
    place: 'silence add',
    found: 'too many silences are in force',
    remedy: 'End some (`tidegauge silence list`), or use a pattern for several.',
  });

const unknown = (id: string) =>
  notFound({
    place: 'silence end',
    expected: 'the id of a silence in force or to come',
    found: printable(id, 60),
    remedy: '`tidegauge silence list` shows them.',
  });

const silencePart = z.strictObject({
  host: glob('Of these hosts'),
  service: glob('Of these services'),
  container: glob('Of these containers'),
  matchers: z
    .exactOptional(matcherTexts())
    .describe('All have to hold, besides the globs: such as `container=~"web-.*"` or `severity!=critical`.'),
  from: z.exactOptional(time).describe('When it begins, within a year; absent: now.'),
  for: duration({ min: '1ms', max: '90d' }).describe('How long, such as `2h`; at most 90d.'),
  reason: words.describe('Why, for others who see it.'),
  owner: z.exactOptional(words).describe('Who wants it, where no token says so.'),
  dry_run: z.exactOptional(z.boolean()).describe('True: only tell what it would keep back now.'),
});

/** How far ahead a silence may begin, ms. */
export const FURTHEST_MS = 366 * 86_400_000;
/** What a clock may differ by, ms: a silence that begins now was asked for a moment ago. */
const CLOCKS_MS = 60_000;

function startOf(text: string, now: number): number {
  const from = Date.parse(text);
  if (from >= now - CLOCKS_MS && from - now <= FURTHEST_MS) return from;
  throw new UsageError({
    place: 'body.from',
    expected: 'a time to come, within a year',
    found: printable(text, 60),
    remedy: 'Without it, it begins now.',
  });
}

export const silenceOperations = [
  operation({
    id: 'listSilences',
    method: 'GET',
    path: '/silences',
    summary: 'Silences and deploys in force and to come, the first to end first, with what they keep back.',
    query: z.strictObject({
      all: z.enum(['true', 'false']).default('false').describe('Also those that ended in the last 30 days.'),
    }),
    answer: z.array(silenceJsonSchema),
    run: async ({ state, now }, { query: { all } }) => ({
      value: await heldJson(state, await state.silences(all === 'true' ? 0 : now), now),
    }),
  }),
  operation({
    id: 'addSilence',
    method: 'POST',
    path: '/silences',
    summary: 'Send no notifications for a while; incidents are raised and stored all the same.',
    body: silencePart,
    answer: silenceJsonSchema,
    async run({ state, now }, { body, by }) {
      const { matchers } = body;
      if (matchers === undefined && SILENCE_PARTS.every(part => body[part] === undefined)) {
        throw new UsageError({
          place: '',
          found: 'one of host, service, container and matchers is required',
          remedy: 'To silence everything, send `"host": "*"`.',
        });
      }
      const { host = '*', service = '*', container = '*', reason } = body;
      const from = body.from === undefined ? now : startOf(body.from, now);
      const silence: Silence = {
        id: newSilenceId(),
        match: { host, service, container },
        ...(matchers === undefined ? {} : { matchers }),
        from,
        until: Math.ceil(from + body.for),
        owner: by ?? body.owner ?? 'api',
        reason,
      };
      const kept = body.dry_run === true ? silence : await keepSilence(state, silence, now);
      return { value: (await heldJson(state, [kept], now))[0] };
    },
  }),
  operation({
    id: 'endSilence',
    method: 'DELETE',
    path: '/silences/{id}',
    summary: 'End one early: what it held back and still fires is sent.',
    params: z.strictObject({ id }),
    answer: silenceJsonSchema,
    run: async ({ state, now }, { path: { id } }) => ({
      value: silenceJson({ silence: await endSilence(state, id, now), holds: [] }, now),
    }),
  }),
];
