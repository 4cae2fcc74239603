import { formatDuration } from '../core/config/units.ts';
import type { Interval } from '../core/interval.ts';
import type { Frame } from '../core/traffic/frame.ts';
import {
  bucketStart,
  type Retention,
  type Rollup,
  RollupBuilder,
  TIERS,
  type Tier,
} from '../core/traffic/rollup.ts';
import { type FrameCounts, finerThan, type Stale, type Summed } from './roll-up.ts';

/** What a store does for its tiers; the rest is the same for all stores. */
export interface TierTables {
  /** Frames of a host, ascending. */
  frames(host: string, range: Interval): AsyncIterable<Frame>;
  /** Buckets of a tier whose start lies in the range, ascending. */
  rollups(tier: Tier, host: string, range: Interval): AsyncIterable<Rollup>;
  readonly frameCounts: FrameCounts;
  /** Write buckets in place of older versions of them. A reader sees one only once all of it is stored. */
  write(tier: Tier, rollups: readonly Rollup[]): Promise<void>;
}

/** Buckets written at once. */
const WRITE_BUCKETS = 16;

/** Traffic, as it is added up in tiers. */
export const trafficIn = (tables: TierTables): Summed => ({
  frameCounts: (...of) => tables.frameCounts(...of),
  remake: (stale, host, run) => remake(tables, stale, host, run),
});

/** Make the buckets of a range anew; returns how many. */
async function remake(
  tables: TierTables,
  { tier, finer }: Stale,
  host: string,
  range: Interval,
): Promise<number> {
  let written = 0;
  let batch: Rollup[] = [];
  const flush = async () => {
    await tables.write(tier, batch);
    written += batch.length;
    batch = [];
  };
  for await (const bucket of merged(tables, finer, host, range, tier.stepMs)) {
    batch.push(bucket);
    if (batch.length >= WRITE_BUCKETS) await flush();
  }
  if (batch.length > 0) await flush();
  return written;
}

/**
 * A host's traffic in buckets of `stepMs`, ascending, of all buckets that the range touches; buckets without any frame
 * are left out. Read from the coarsest tier that the step is a multiple of, and what it lacks from the finer ones; not
 * `rolled`: from frames alone.
 */
export function readSeries(
  tables: TierTables,
  host: string,
  range: Interval,
  stepMs: number,
  options: { rolled: boolean } = { rolled: true },
): AsyncIterable<Rollup> {
  checkStep(stepMs);
  const coarsest = TIERS.findLast(candidate => stepMs % candidate.stepMs === 0);
  const tier = (options.rolled && coarsest) || null;
  const whole = { from: bucketStart(range.from, stepMs), to: -bucketStart(-range.to, stepMs) };
  return merged(tables, tier, host, whole, stepMs);
}

/** Throws a RangeError when a bucket cannot be so long, ms. */
export function checkStep(stepMs: number): void {
  if (!Number.isSafeInteger(stepMs) || stepMs <= 0) throw new RangeError(`step of ${stepMs} ms`);
}

/** Buckets of `stepMs` made of a tier, or of frames when it is null. */
async function* merged(
  tables: TierTables,
  tier: Tier | null,
  host: string,
  range: Interval,
  stepMs: number,
): AsyncIterable<Rollup> {
  let bucket: Bucket | null = null;
  for await (const part of parts(tables, tier, host, range)) {
    const start = bucketStart(part.start, stepMs);
    if (bucket?.start !== start) {
      if (bucket) yield bucket.build();
      bucket = new Bucket(host, start);
    }
    bucket.add(part);
  }
  if (bucket) yield bucket.build();
}

/** A bucket in the making. One that is made of a single finer bucket is that one: most are, and need not be added up. */
class Bucket {
  readonly start: number;
  readonly #host: string;
  #only: Rollup | null = null;
  #sum: RollupBuilder | null = null;

  constructor(host: string, start: number) {
    this.#host = host;
    this.start = start;
  }

  add(part: Rollup | Frame): void {
    if (this.#sum === null && this.#only === null && 'traffic' in part) {
      this.#only = part;
      return;
    }
    this.#sum ??= new RollupBuilder(this.#host, this.start);
    if (this.#only) this.#sum.addRollup(this.#only);
    this.#only = null;
    if ('traffic' in part) this.#sum.addRollup(part);
    else this.#sum.addFrame(part);
  }

  build(): Rollup {
    const sum = this.#sum ?? new RollupBuilder(this.#host, this.start);
    return this.#only ? { ...this.#only, start: this.start } : sum.build();
  }
}

/**
 * What a tier holds of the range and, where it has no bucket, what the finer ones hold: the newest time, and what was
 * stored late and is to be rolled up yet.
 */
async function* parts(
  tables: TierTables,
  tier: Tier | null,
  host: string,
  range: Interval,
): AsyncIterable<Rollup | Frame> {
  if (!tier) {
    yield* tables.frames(host, range);
    return;
  }
  const finer = finerThan(tier);
  let { from } = range;
  for await (const bucket of tables.rollups(tier, host, range)) {
    if (bucket.start > from) yield* parts(tables, finer, host, { from, to: bucket.start });
    yield bucket;
    from = bucket.start + tier.stepMs;
  }
  if (from < range.to) yield* parts(tables, finer, host, { from, to: range.to });
}

/** How long something is kept, for people. */
export const kept = (ms: number): string => (Number.isFinite(ms) ? formatDuration(ms) : 'for ever');

/** One line for people per tier: how long it is kept. */
export function retentionLines(retention: Retention): string[] {
  return [
    `windows: kept ${kept(retention.raw)}`,
    ...TIERS.map(
      ({ name, stepMs }) =>
        `${name} tier, buckets of ${formatDuration(stepMs)}: kept ${kept(retention[name])}`,
    ),
  ];
}
