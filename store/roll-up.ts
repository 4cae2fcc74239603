import type { Interval } from '../core/interval.ts';
import { bucketStart, TIERS, type Tier } from '../core/traffic/rollup.ts';

/**
 * How many frames are stored (tier null), or are part of a tier, by bucket of `stepMs`. The range is of whole buckets;
 * buckets without frames may be left out.
 */
export type FrameCounts = (
  tier: Tier | null,
  host: string,
  range: Interval,
  stepMs: number,
) => Promise<Map<number, number>>;

/** Something of frames that is added up in tiers, and how. */
export interface Summed {
  readonly frameCounts: FrameCounts;
  /** Make the buckets of a run anew; returns how many were written. */
  remake(stale: Stale, host: string, run: Interval): Promise<number>;
}

/** Buckets that lack frames which are stored. */
export interface Stale {
  readonly tier: Tier;
  /** What they are made of: null is the frames themselves. */
  readonly finer: Tier | null;
  /** Neighbouring buckets as one range each. */
  readonly runs: readonly Interval[];
  /** Frames that were stored of each of them when they were counted, by its start. */
  readonly frames: ReadonlyMap<number, number>;
}

/**
 * Bring the tiers up to date: every bucket that lies wholly in the range and lacks frames that are stored is made
 * anew. Frames never change and only retention takes them away, so that a bucket with as many frames is the same
 * bucket, and one that has more than are stored is kept as it is. What was interrupted is found again the next time.
 * Ends before the first tier that lacks more than `atMost` frames; `complete`: there was none.
 */
export async function rollUpSome(
  summed: Summed,
  host: string,
  range: Interval,
  atMost = Number.POSITIVE_INFINITY,
): Promise<{ written: number; complete: boolean }> {
  let written = 0;
  for (const tier of TIERS) {
    const stale = await staleBuckets(summed, tier, host, range);
    const lacking = [...stale.frames.values()].reduce((sum, frames) => sum + frames, 0);
    if (lacking > atMost) return { written, complete: false };
    for (const run of stale.runs) written += await summed.remake(stale, host, run);
  }
  return { written, complete: true };
}

/** The tier that a tier is made of; null: of frames. */
export const finerThan = (tier: Tier): Tier | null => TIERS[TIERS.indexOf(tier) - 1] ?? null;

/** The part of a range that is whole buckets; where there is none, its end is not after its beginning. */
export const wholeBuckets = ({ from, to }: Interval, stepMs: number): Interval => ({
  from: -bucketStart(-from, stepMs),
  to: bucketStart(to, stepMs),
});

async function staleBuckets(summed: Summed, tier: Tier, host: string, range: Interval): Promise<Stale> {
  const finer = finerThan(tier);
  const whole = wholeBuckets(range, tier.stepMs);
  if (whole.from >= whole.to) return { tier, finer, runs: [], frames: new Map() };
  const stored = await summed.frameCounts(finer, host, whole, tier.stepMs);
  const rolled = await summed.frameCounts(tier, host, whole, tier.stepMs);
  const frames = new Map([...stored].filter(([start, count]) => count > (rolled.get(start) ?? 0)));
  return { tier, finer, runs: runsOf([...frames.keys()], tier.stepMs), frames };
}

/** Buckets, in any order, as ranges of neighbouring ones, ascending. */
export function runsOf(starts: readonly number[], stepMs: number): Interval[] {
  const runs: { from: number; to: number }[] = [];
  for (const start of starts.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last?.to === start) last.to = start + stepMs;
    else runs.push({ from: start, to: start + stepMs });
  }
  return runs;
}
