import { BUCKETS, bucketOf } from '../../../core/traffic/histogram.ts';
import type { Random } from './random.ts';

/** Lower bounds in bytes of the classes that sizes are drawn in: unions of the histogram's buckets. */
export const CLASSES: readonly number[] = [
  0, 64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192, 16_384, 32_768, 65_536,
];

/** One part of a mixture: log-normal sizes. */
export interface Part {
  readonly weight: number;
  /** Bytes. */
  readonly median: number;
  /** Standard deviation of the logarithm. */
  readonly sigma: number;
}

/** What sizes a kind of message has: the share and the mean size of each class that occurs. */
export interface SizeMix {
  readonly classes: readonly { readonly index: number; readonly share: number; readonly mean: number }[];
}

const NEGLIGIBLE = 1e-4;

/** The classes of a mixture of log-normals. */
export function mixOf(parts: readonly Part[]): SizeMix {
  const total = parts.reduce((sum, part) => sum + part.weight, 0);
  const rows = CLASSES.map((low, index) => {
    const high = CLASSES[index + 1] ?? Number.POSITIVE_INFINITY;
    let share = 0;
    let area = 0;
    for (const { weight, median, sigma } of parts) {
      const part = weight / total;
      share += part * (below(high, median, sigma) - below(low, median, sigma));
      // Partial expectation of a log-normal.
      const mean = median * Math.exp((sigma * sigma) / 2);
      const shifted = median * Math.exp(sigma * sigma);
      area += part * mean * (below(high, shifted, sigma) - below(low, shifted, sigma));
    }
    return { index, share, mean: share > 0 ? Math.min(Math.max(area / share, low), high - 1) : low };
  }).filter(row => row.share > NEGLIGIBLE);
  const kept = rows.reduce((sum, row) => sum + row.share, 0);
  return { classes: rows.map(row => ({ ...row, share: row.share / kept })) };
}

/** Messages of one size. */
export function fixedMix(bytes: number): SizeMix {
  return { classes: [{ index: classOf(bytes), share: 1, mean: bytes }] };
}

/** Index of the class of a size in bytes. */
export function classOf(bytes: number): number {
  return CLASSES.findLastIndex(bound => bound <= bytes);
}

/** Messages of a frame in one direction, by class. */
export class Tally {
  readonly counts = new Float64Array(CLASSES.length);
  readonly bytes = new Float64Array(CLASSES.length);

  clear(): void {
    this.counts.fill(0);
    this.bytes.fill(0);
  }

  /** `n` messages of a mixture: a multinomial draw, as a chain of binomials. */
  add(n: number, mix: SizeMix, random: Random): void {
    let left = n;
    let share = 1;
    for (const one of mix.classes) {
      if (left === 0) return;
      const k = one.share >= share ? left : random.binomial(left, one.share / share);
      share -= one.share;
      left -= k;
      this.put(one.index, k, k * one.mean);
    }
    const last = mix.classes.at(-1);
    if (left > 0 && last) this.put(last.index, left, left * last.mean);
  }

  put(index: number, messages: number, bytes: number): void {
    this.counts[index] = (this.counts[index] ?? 0) + messages;
    this.bytes[index] = (this.bytes[index] ?? 0) + bytes;
  }
}

/** The bucket of the histogram that stands for messages of a class with a mean size. */
export function bucketFor(index: number, mean: number): number {
  const low = CLASSES[index] ?? 0;
  const high = CLASSES[index + 1] ?? Number.POSITIVE_INFINITY;
  const bucket = bucketOf(mean);
  // A mean that rounding moved across a bound still stands for its class.
  if (bucket < low) return low;
  return bucket >= high ? (BUCKETS.findLast(bound => bound < high) ?? low) : bucket;
}

/** Share of a log-normal below `x`. */
function below(x: number, median: number, sigma: number): number {
  if (x <= 0) return 0;
  if (x === Number.POSITIVE_INFINITY) return 1;
  return normalBelow(Math.log(x / median) / sigma);
}

/** The normal distribution function: Abramowitz and Stegun 26.2.17, to 7.5e-8. */
function normalBelow(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const tail =
    (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return x >= 0 ? 1 - tail : tail;
}
