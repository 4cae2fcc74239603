import { combineMeans, combineVariances } from 'simple-statistics';

/**
 * Mean and variance over a rolling stretch of time in constant memory, whatever the cadence: the stretch is cut into
 * slices, each a running mean and variance, merged by the pairwise update of Chan, Golub and LeVeque ("Updating
 * Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979; Welford's update, Technometrics 4(3), 1962,
 * is its case n = 1). No sums of squares, so nothing cancels when the mean is large against the spread.
 */

/** What is known of a stretch of values. */
export interface Summary {
  readonly n: number;
  readonly mean: number;
  /** Of the n values themselves (divided by n). */
  readonly variance: number;
  /** Time the values cover, ms. */
  readonly ms: number;
}

export interface Baseline {
  /** Finished slices, oldest first. */
  readonly slices: readonly Summary[];
  /** All finished slices merged. */
  readonly merged: Summary;
  /** The slice that is growing. */
  readonly growing: Summary;
}

/** Slices in a window: the window's length is kept to within one of them. */
const SLICES = 15;

/** Upper bound of a baseline in bytes of JSON. */
export const baselineBytes = (SLICES + 3) * 110;

export const EMPTY: Summary = { n: 0, mean: 0, variance: 0, ms: 0 };

export const emptyBaseline = (): Baseline => ({ slices: [], merged: EMPTY, growing: EMPTY });

export function merge(a: Summary, b: Summary): Summary {
  if (a.n === 0) return b;
  if (b.n === 0) return a;
  return {
    n: a.n + b.n,
    mean: combineMeans(a.mean, a.n, b.mean, b.n),
    variance: combineVariances(a.variance, a.mean, a.n, b.variance, b.mean, b.n),
    ms: a.ms + b.ms,
  };
}

/** The summary of a single value that stood for `ms`. */
export const single = (value: number, ms: number): Summary => ({ n: 1, mean: value, variance: 0, ms });

/** Everything in the baseline. */
export const total = (baseline: Baseline): Summary => merge(baseline.merged, baseline.growing);

/** Add a value that stood for `ms`; slices that lie beyond `windowMs` of learned time are forgotten. */
export function learn(baseline: Baseline, value: Summary, windowMs: number): Baseline {
  const growing = merge(baseline.growing, value);
  if (growing.ms < windowMs / SLICES) return { ...baseline, growing };
  let slices = [...baseline.slices, growing];
  let covered = slices.reduce((ms, slice) => ms + slice.ms, 0);
  // Each slice is at least a fifteenth of the window long, so that this bounds their number too.
  while (slices.length > 1 && covered - (slices[0]?.ms ?? 0) >= windowMs) {
    covered -= slices[0]?.ms ?? 0;
    slices = slices.slice(1);
  }
  return { slices, merged: slices.reduce(merge, EMPTY), growing: EMPTY };
}
