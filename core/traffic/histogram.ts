/**
 * The size histogram: piecewise linear, each size in exactly one bucket. This constant is the only definition;
 * probe text, store columns and dashboards derive from it.
 */
export const SIZE_SCHEME = {
  /** Fine buckets: `step` bytes wide, from 0 up to (not including) `limit`. */
  fine: { step: 64, limit: 4096 },
  /** Coarse buckets: from `fine.limit` up to `limit`; everything from there on is one overflow bucket. */
  coarse: { step: 4096, limit: 65_536 },
} as const;

/** Lower bounds in bytes of all buckets, ascending; the last one is the overflow bucket. */
export const BUCKETS: readonly number[] = [
  ...range(0, SIZE_SCHEME.fine.limit, SIZE_SCHEME.fine.step),
  ...range(SIZE_SCHEME.fine.limit, SIZE_SCHEME.coarse.limit, SIZE_SCHEME.coarse.step),
  SIZE_SCHEME.coarse.limit,
];

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: (to - from) / step }, (_, i) => from + i * step);
}

/** Sparse histogram: [lower bound in bytes, count > 0], ascending by bound. */
export type Sizes = readonly (readonly [bound: number, count: number])[];

/** True for pairs of a bucket's bound and a count > 0, each bound once, ascending. */
export function isSizes(value: unknown): value is Sizes {
  if (!Array.isArray(value)) return false;
  let last = -1;
  for (let i = 0; i < value.length; i++) {
    const pair: unknown = value[i];
    if (!isPair(pair) || pair[0] <= last) return false;
    last = pair[0];
  }
  return true;
}

function isPair(value: unknown): value is Sizes[number] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  return isBound(value[0]) && Number.isSafeInteger(value[1]) && value[1] > 0;
}

const isBound = (value: unknown): boolean =>
  typeof value === 'number' && value >= 0 && Number.isSafeInteger(value) && bucketOf(value) === value;

/** Lower bound of the bucket that a size in bytes (>= 0) falls into. */
export function bucketOf(size: number): number {
  const { fine, coarse } = SIZE_SCHEME;
  if (size < fine.limit) return size - (size % fine.step);
  if (size < coarse.limit) return size - (size % coarse.step);
  return coarse.limit;
}

/** A number for each bucket, to be found at `indexOf(bound)`: a look-up that costs less than one in a map. */
export function tableOf(value: (bound: number) => number): Float64Array {
  const table = new Float64Array(indexOf(SIZE_SCHEME.coarse.limit) + 1);
  for (const bound of BUCKETS) table[indexOf(bound)] = value(bound);
  return table;
}

/** Place of a bucket in a table, by its lower bound. */
export const indexOf = (bound: number): number => bound / SIZE_SCHEME.fine.step;

/** Upper bound in bytes (exclusive) of a bucket; Infinity for the overflow bucket. */
export function upperBound(bound: number): number {
  const { fine, coarse } = SIZE_SCHEME;
  if (bound < fine.limit) return bound + fine.step;
  if (bound < coarse.limit) return bound + coarse.step;
  return Number.POSITIVE_INFINITY;
}

/** Add a histogram to counts by bound. */
export function addSizes(counts: Map<number, number>, sizes: Sizes): void {
  for (const [bound, count] of sizes) counts.set(bound, (counts.get(bound) ?? 0) + count);
}

/** Histogram of a map bound -> count; zero counts are left out. */
export function sizesFrom(counts: ReadonlyMap<number, number>): Sizes {
  return [...counts].filter(([, count]) => count > 0).sort((a, b) => a[0] - b[0]);
}

/** Number of events in a histogram. */
export function countOf(sizes: Sizes): number {
  return sizes.reduce((sum, [, count]) => sum + count, 0);
}
