import type { Interval } from '../core/interval.ts';
import { TIERS, type Tier } from '../core/traffic/rollup.ts';
import type { FlowTotal } from '../core/traffic/service-map.ts';
import { FlowTotals, withinCap } from './flow.ts';
import { type FrameCounts, runsOf, type Stale, type Summed, wholeBuckets } from './roll-up.ts';

/** The flows of one host in a bucket of a tier. */
export interface FlowBucket {
  readonly host: string;
  /** Epoch ms. */
  readonly start: number;
  /** How many frames it is the sum of. */
  readonly frames: number;
  readonly flows: readonly FlowTotal[];
}

/** What a store does for its tiers of flows; the rest is the same for all stores. */
export interface FlowTables {
  /** In a tier: of the buckets whose flows are added up. */
  readonly frameCounts: FrameCounts;
  /** Flows added up over all rows of a tier, or of frames where it is null, that start in the range. */
  totals(tier: Tier | null, host: string, range: Interval): Promise<FlowTotal[]>;
  /** The same by the start of their bucket of `stepMs`, which the range is whole ones of; those without may be left out. */
  totalsByBucket(
    tier: Tier | null,
    host: string,
    range: Interval,
    stepMs: number,
  ): Promise<ReadonlyMap<number, readonly FlowTotal[]>>;
  /**
   * Write buckets of one host, ascending, in place of older versions of them, of which nothing is counted any more. Their
   * number of frames is stored once all else is.
   */
  write(tier: Tier, buckets: readonly FlowBucket[]): Promise<void>;
}

/** Buckets that are made at once. */
const STEP_BUCKETS = 20;

/** Flows, as they are added up in tiers. */
export const flowsIn = (tables: FlowTables): Summed => ({
  frameCounts: (...of) => tables.frameCounts(...of),
  remake: (stale, host, run) => remake(tables, stale, host, run),
});

/** Frames are counted before their flows are added up: one that comes in between makes the bucket stale once more. */
async function remake(
  tables: FlowTables,
  { tier, finer, frames }: Stale,
  host: string,
  run: Interval,
): Promise<number> {
  const stepMs = STEP_BUCKETS * tier.stepMs;
  for (let from = run.from; from < run.to; from += stepMs) {
    const part = { from, to: Math.min(run.to, from + stepMs) };
    const totals = await tables.totalsByBucket(finer, host, part, tier.stepMs);
    const buckets: FlowBucket[] = [];
    for (let start = part.from; start < part.to; start += tier.stepMs) {
      const flows = withinCap(totals.get(start) ?? []);
      buckets.push({ host, start, frames: frames.get(start) ?? 0, flows });
    }
    await tables.write(tier, buckets);
  }
  return (run.to - run.from) / tier.stepMs;
}

/**
 * Flows of a host added up over the frames that start in the range: of whole buckets from the coarsest tier that has all
 * that is stored of them, and of the rest from finer ones and from frames. What was stored before flows had tiers, or came
 * late, is counted all the same.
 */
export async function readFlows(tables: FlowTables, host: string, range: Interval): Promise<FlowTotal[]> {
  const sums = new FlowTotals();
  const read = async (tier: Tier | null, part: Interval) => {
    for (const total of await tables.totals(tier, host, part)) sums.add(total);
  };
  let left: readonly Interval[] = [range];
  for (const tier of TIERS.toReversed()) {
    const rest: Interval[] = [];
    for (const part of left) {
      const covered = await coveredBy(tables, tier, host, part);
      for (const run of covered) await read(tier, run);
      rest.push(...without(part, covered));
    }
    left = rest;
  }
  for (const part of left) await read(null, part);
  return sums.list();
}

/** What a tier has of a range with all its frames, ascending. */
async function coveredBy(
  tables: FlowTables,
  tier: Tier,
  host: string,
  range: Interval,
): Promise<readonly Interval[]> {
  const whole = wholeBuckets(range, tier.stepMs);
  if (whole.from >= whole.to) return [];
  const rolled = await tables.frameCounts(tier, host, whole, tier.stepMs);
  if (rolled.size === 0) return [];
  const stored = await tables.frameCounts(null, host, whole, tier.stepMs);
  const current = [...rolled].filter(([start, frames]) => frames >= (stored.get(start) ?? 0));
  return runsOf(
    current.map(([start]) => start),
    tier.stepMs,
  );
}

/** What is left of a range without parts of it, which are ascending and do not touch each other. */
function without(range: Interval, parts: readonly Interval[]): Interval[] {
  const left: Interval[] = [];
  let { from } = range;
  for (const part of parts) {
    if (part.from > from) left.push({ from, to: part.from });
    from = part.to;
  }
  if (from < range.to) left.push({ from, to: range.to });
  return left;
}
