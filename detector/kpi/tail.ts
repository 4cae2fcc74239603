/**
 * How rare a deviation is in its own series: the share of past deviations that were at least as large, with the tail of
 * a t distribution (4 degrees of freedom) in place of what has not been seen yet. Heavy-tailed series get high limits
 * and calm ones low limits by themselves, and a size that keeps coming back is no news any more.
 *
 * Past deviations are counted in classes of equal width on a logarithmic scale, with weights that halve every
 * `halfLife` rows.
 */
export interface Tail {
  /** Weight of past deviations by class; as `rows`, in units of `weight`. */
  readonly counts: number[];
  rows: number;
  /** Weight of the newest row. It grows, which is cheaper than to let all others shrink. */
  weight: number;
}

/** Deviations from .1 to 1,000 spreads, 24 classes a decade. What is beyond counts in the outermost classes. */
const LEAST = 0.1;
const CLASSES_PER_DECADE = 24;
const CLASSES = 96;
/** How many rows of its own a series needs to outweigh the t distribution. */
const PRIOR_ROWS = 500;
const DEGREES = 4;
/** Before weights get so large that adding one to them loses digits, all are divided. */
const LARGEST_WEIGHT = 1e9;

export const newTail = (): Tail => ({ counts: Array<number>(CLASSES).fill(0), rows: 0, weight: 1 });

const classOf = (z: number): number =>
  Math.min(CLASSES - 1, Math.floor(Math.log10(Math.max(z, LEAST) / LEAST) * CLASSES_PER_DECADE));

/** Probability of a deviation of at least `z` spreads, in (0, 1]. `z` >= 0. */
export function survival(tail: Tail, z: number): number {
  const own = classOf(z);
  let larger = (tail.counts[own] as number) / 2;
  for (let i = own + 1; i < CLASSES; i++) larger += tail.counts[i] as number;
  const prior = PRIOR_ROWS * (1 + (z * z) / DEGREES) ** (-DEGREES / 2);
  return (prior + larger / tail.weight) / (PRIOR_ROWS + tail.rows / tail.weight);
}

/** Count a deviation of `z` spreads; `growth` is 2^(1 / half-life in rows). */
export function count(tail: Tail, z: number, growth: number): void {
  tail.weight *= growth;
  const own = classOf(z);
  tail.counts[own] = (tail.counts[own] as number) + tail.weight;
  tail.rows += tail.weight;
  if (tail.weight < LARGEST_WEIGHT) return;
  for (let i = 0; i < CLASSES; i++) tail.counts[i] = (tail.counts[i] as number) / tail.weight;
  tail.rows /= tail.weight;
  tail.weight = 1;
}
