import { difference } from './numbers.ts';

/**
 * Distance to the nearest value ever seen, as a part of the range of values: the novelty detection of nearest
 * neighbours (Markou and Singh 2003), on a summary of at most `capacity` values.
 */
export interface Known {
  /** Ascending. */
  readonly values: number[];
  /** When each value, or one that is as good as it, was last seen, epoch ms. */
  readonly seen: number[];
  /** Values given so far. */
  n: number;
}

/** Old values are looked for once in this many rows. */
const SWEEP = 256;
/** A range of nothing has no parts: the first other value is as far as the whole range. */
const MOST = 1000;

export const newKnown = (): Known => ({ values: [], seen: [], n: 0 });

export interface Resolution {
  readonly capacity: number;
  /** Values closer than this part of the range are one. */
  readonly merge: number;
}

/** Novelty of a value, 0 to 1,000; learns it. Values not seen since `forgetBefore` (epoch ms) are forgotten. */
export function novelty(known: Known, x: number, time: number, forgetBefore: number, of: Resolution): number {
  const { values, seen } = known;
  known.n++;
  if (values.length === 0) {
    values.push(x);
    seen.push(time);
    return 0;
  }
  const at = position(values, x);
  const near = nearest(values, at, x);
  const distance = Math.abs(difference(x, values[near] as number));
  const range = (values.at(-1) as number) - (values[0] as number);
  const found = distance === 0 ? 0 : range > 0 ? Math.min(distance / range, MOST) : 1;
  if (found <= of.merge) seen[near] = time;
  else {
    values.splice(at, 0, x);
    seen.splice(at, 0, time);
    if (values.length > of.capacity) mergeClosest(known);
  }
  if (known.n % SWEEP === 0) forget(known, forgetBefore);
  return found;
}

/** Index of the first value that is not below `x`. */
function position(values: readonly number[], x: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

function nearest(values: readonly number[], at: number, x: number): number {
  if (at === 0) return 0;
  if (at === values.length) return at - 1;
  return (values[at] as number) - x < x - (values[at - 1] as number) ? at : at - 1;
}

/** The closest two values become one; least and greatest stay. */
function mergeClosest({ values, seen }: Known): void {
  let closest = 1;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < values.length - 1; i++) {
    const gap = (values[i] as number) - (values[i - 1] as number);
    if (gap < least) {
      least = gap;
      closest = i;
    }
  }
  seen[closest - 1] = Math.max(seen[closest - 1] as number, seen[closest] as number);
  values.splice(closest, 1);
  seen.splice(closest, 1);
}

function forget({ values, seen }: Known, before: number): void {
  for (let i = values.length - 1; i >= 0 && values.length > 2; i--) {
    if ((seen[i] as number) >= before) continue;
    values.splice(i, 1);
    seen.splice(i, 1);
  }
}
