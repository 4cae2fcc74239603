import { z } from 'zod';
import { isoTime } from '../../../../core/clock.ts';
import { describeError } from '../../../../core/errors.ts';
import type { Incident } from '../../../../core/incident/incident.ts';
import type { Interval } from '../../../../core/interval.ts';
import { BlindStretches, blindWithin } from '../../../../core/traffic/blind.ts';
import { frameEnd, isComplete } from '../../../../core/traffic/frame.ts';
import type { FrameStore } from '../../../../store/contract.ts';
import type { StoreReader } from './peers.ts';

/** What of an incident's time nobody saw. Times are epoch ms. */
export interface Watched {
  /** The part of its time that was looked at: from the oldest frame of its last `LOOKED_MS` to the newest one; empty: there is none. */
  readonly looked: Interval;
  /** Parts of that without a frame, or with an incomplete one: the longest, `LISTED` at most, ascending. */
  readonly blind: readonly Interval[];
  /** Further ones. */
  readonly more: number;
  /** It is firing and no frames come: end of the newest one. Null: they do, or it is over. */
  readonly silentSince: number | null;
}

/** The same, or why nobody knows it. */
export type WatchedThen = Watched | { readonly unknown: string };

/** Frames of so much of an incident are read, ms: one that fires for days would take minutes. */
const LOOKED_MS = 6 * 3_600_000;
const LISTED = 100;
/** Frames take a while to be stored: so many of their length, and at least so long, ms. */
const LATE_FRAMES = 3;
const LATE_MS = 15_000;

/** Never rejects. `now`: epoch ms. */
export async function watchedThen(read: StoreReader, incident: Incident, now: number): Promise<WatchedThen> {
  try {
    return await read(store => watchedOf(store, incident, now));
  } catch (error) {
    return { unknown: `the stored frames cannot be read: ${describeError(error)}` };
  }
}

async function watchedOf(store: FrameStore, incident: Incident, now: number): Promise<WatchedThen> {
  const { host, start, resolvedAt } = incident;
  const to = resolvedAt ?? now;
  const range = { from: Math.max(start, to - LOOKED_MS), to };
  const stretches = new BlindStretches();
  for await (const frame of store.readFrames(host, range))
    stretches.add({ from: frame.start, to: frameEnd(frame) }, isComplete(frame));
  if (stretches.covered === null && resolvedAt !== null) return { unknown: 'nothing is stored of that time' };
  const all = blindWithin(stretches.result(), range);
  const longest = all.toSorted((a, b) => b.to - b.from - (a.to - a.from)).slice(0, LISTED);
  return {
    looked: stretches.covered ?? { from: start, to: start },
    blind: longest.sort((a, b) => a.from - b.from),
    more: all.length - longest.length,
    silentSince: resolvedAt === null ? await silentSince(store, host, now) : null,
  };
}

/** End of a host's newest frame if the next one is overdue at `now`, epoch ms; null: it is not, or there is none. */
export async function silentSince(
  store: Pick<FrameStore, 'lastFrame'>,
  host: string,
  now: number,
): Promise<number | null> {
  const last = await store.lastFrame(host);
  if (last === null) return null;
  return now - last.to > Math.max(LATE_MS, LATE_FRAMES * (last.to - last.from)) ? last.to : null;
}

const interval = z.strictObject({ from: z.string(), to: z.string() });

export const watchedSchema = z
  .strictObject({
    unknown: z.string().nullable().describe('Why nobody knows; null: it is known.'),
    looked: interval
      .nullable()
      .describe('The part of its time whose frames were read: at most the last 6 hours.'),
    blind: z
      .array(interval)
      .describe('Parts of that without a frame, or with an incomplete one: the longest, by time.'),
    more: z.int().nonnegative().describe('Further ones.'),
    silent_since: z
      .string()
      .nullable()
      .describe('It is firing and no frames come: the end of the newest one; else null.'),
  })
  .describe('What of its time nobody saw.');
type WatchedJson = z.output<typeof watchedSchema>;

const intervalJson = ({ from, to }: Interval) => ({ from: isoTime(from), to: isoTime(to) });
const intervalFromJson = ({ from, to }: z.output<typeof interval>): Interval => ({
  from: Date.parse(from),
  to: Date.parse(to),
});

/** Times are ISO 8601, UTC. */
export function watchedJson(then: WatchedThen): WatchedJson {
  if ('unknown' in then)
    return { unknown: then.unknown, looked: null, blind: [], more: 0, silent_since: null };
  const { looked, blind, more, silentSince } = then;
  return {
    ...{ unknown: null, looked: intervalJson(looked), blind: blind.map(intervalJson), more },
    silent_since: silentSince === null ? null : isoTime(silentSince),
  };
}

/** What `watchedJson` made of it, checked by its schema. */
export function watchedFromJson({ unknown, looked, blind, more, silent_since }: WatchedJson): WatchedThen {
  if (unknown !== null || looked === null) return { unknown: unknown ?? 'nothing was said' };
  return {
    ...{ looked: intervalFromJson(looked), blind: blind.map(intervalFromJson), more },
    silentSince: silent_since === null ? null : Date.parse(silent_since),
  };
}
