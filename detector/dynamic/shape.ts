import { indexOf, type Sizes, tableOf, upperBound } from '../../core/traffic/histogram.ts';

/** How sizes are distributed, in classes that are unions of the histogram's buckets, against the last hours. */

/** Lower bounds in bytes: about a factor of 1.4 apart. */
export const CLASSES: readonly number[] = [
  0, 64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192, 16_384, 32_768, 65_536,
];
const CLASS_OF = tableOf(bound => CLASSES.findLastIndex(low => low <= bound));
/** Index of the class of a bucket. */
export const classOf = (bound: number): number => CLASS_OF[indexOf(bound)] ?? 0;
/** The overflow bucket has no middle. */
const OVERFLOW_MIDDLE = 96 * 1024;
const MIDDLE = tableOf(bound => {
  const upper = upperBound(bound);
  return Number.isFinite(upper) ? (bound + upper) / 2 : OVERFLOW_MIDDLE;
});

/** The sizes of a class, for people. */
export function sizeRange(index: number): string {
  const upper = CLASSES[index + 1];
  return upper === undefined ? `${CLASSES[index]} B and more` : `${CLASSES[index]} to ${upper - 1} B`;
}

/** More messages of a class are so many: the state is bounded. */
const MOST = 1e9;
/** Messages that are enough to compare with; fewer are pooled for so many minutes, and dropped below so many. */
const ENOUGH = 60;
const POOL_MINUTES = 10;
const LEAST = 40;
/** Minutes after which half of the memory is new. */
const HALF_LIFE = 60;
/** What chance makes of a share, in its standard deviations: more than twice what independent draws would, as messages come in clumps. */
const CHANCE = 1;
/** Comparisons in a row of which the least counts. */
export const IN_A_ROW = 3;

/** Plain JSON. */
export interface Shape {
  /** Messages by class since the last comparison, and minutes since then. */
  counts: number[];
  minutes: number;
  /**
   * Usual share of each class; empty: not known yet. Usual messages per minute: their harmonic mean, so that share times rate is
   * the number of a class that is always as large, whatever others come and go.
   */
  usual: number[];
  rate: number;
  /** The shares last compared. */
  last: number[];
  /** The last differences, oldest first. */
  moved: number[];
}

export const newShape = (): Shape => ({
  counts: CLASSES.map(() => 0),
  minutes: 0,
  usual: [],
  rate: 0,
  last: [],
  moved: [],
});

export const shapeBytes = 92 + CLASSES.length * (11 + 9 + 6) + IN_A_ROW * 8;

export function addWindow(shape: Shape, sizes: Sizes): void {
  for (const [bound, count] of sizes) {
    const i = classOf(bound);
    shape.counts[i] = Math.min(MOST, (shape.counts[i] ?? 0) + count);
  }
}

/** ln of the mean size of a histogram's messages, weighted by size: bytes are mostly in messages of that size. */
export function weightedSize(sizes: Sizes): number {
  let first = 0;
  let second = 0;
  for (const [bound, count] of sizes) {
    const middle = MIDDLE[indexOf(bound)] ?? bound;
    first += count * middle;
    second += count * middle * middle;
  }
  return first > 0 ? Math.log(second / first) : 0;
}

/** Share of messages that moved: in the last comparison, and in each of the last three at least; null: not so many yet. */
export interface Moved {
  readonly last: number;
  readonly least: number | null;
  /** Of the messages that are usual in that time, the share that is not there: none, where others come in addition. */
  readonly missing: number;
}

/**
 * At the end of a minute: the share of messages that moved to other classes (the total variation distance between the
 * shares seen and the usual ones), less what chance makes of so few messages; also the least of the last three. A class
 * gains only what it has more of than usual: when one kind of message stays away, the others gain nothing. Null:
 * nothing to compare.
 */
export function compareShape(shape: Shape): Moved | null {
  shape.minutes++;
  let n = 0;
  for (const count of shape.counts) n += count;
  const { minutes } = shape;
  if (n < ENOUGH && minutes < POOL_MINUTES) return null;
  const shares = shape.counts.map(count => (n > 0 ? hundredThousandths(count / n) : 0));
  shape.counts.fill(0);
  shape.minutes = 0;
  if (n < LEAST) return null;
  if (shape.usual.length === 0) {
    shape.usual = shares;
    shape.rate = thousandths(n / minutes);
    return null;
  }
  shape.last = shares.map(thousandths);
  const missing = missingOf(shape, shares, n, minutes);
  shape.moved.push(gainOf(shape, shares, n, minutes));
  if (shape.moved.length > IN_A_ROW) shape.moved.shift();
  const part = 1 - 0.5 ** (minutes / HALF_LIFE);
  shape.usual = shape.usual.map((p, i) => hundredThousandths(p + ((shares[i] ?? 0) - p) * part));
  shape.rate = thousandths(1 / (1 / shape.rate + (minutes / n - 1 / shape.rate) * part));
  const least = shape.moved.length < IN_A_ROW ? null : Math.min(...shape.moved);
  return { last: shape.moved.at(-1) ?? 0, least, missing };
}

const hundredThousandths = (x: number): number => Math.round(1e5 * x) / 1e5;
const thousandths = (x: number): number => Math.round(1e3 * x) / 1e3;

function gainOf(shape: Shape, shares: readonly number[], n: number, minutes: number): number {
  const fewer = Math.max(1, (shape.rate * minutes) / n);
  let gain = 0;
  let chance = 0;
  for (let i = 0; i < shares.length; i++) {
    const p = shape.usual[i] ?? 0;
    gain += Math.max(0, (shares[i] ?? 0) - p * fewer);
    chance += Math.sqrt((p * (1 - p)) / n);
  }
  return hundredThousandths(Math.max(0, gain - CHANCE * chance));
}

function missingOf({ usual, rate }: Shape, shares: readonly number[], n: number, minutes: number): number {
  const more = n / (rate * minutes);
  let missing = 0;
  for (let i = 0; i < shares.length; i++) missing += Math.max(0, (usual[i] ?? 0) - (shares[i] ?? 0) * more);
  return missing;
}
