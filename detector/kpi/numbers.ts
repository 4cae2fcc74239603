/** `x` limited to [-limit, limit]. */
export const clamp = (x: number, limit: number): number => Math.max(-limit, Math.min(limit, x));

/** How far `x` is on the way from `from` to `to`, limited to [0, 1]. */
export const ramp = (x: number, from: number, to: number): number =>
  Math.max(0, Math.min(1, (x - from) / (to - from)));

/** Rate of a mean over all `n` values so far that from 1 / least values on forgets exponentially. */
export const rateOf = (n: number, least: number): number => Math.max(1 / n, least);

/** As `rateOf`, but the mean leaves its first values behind: what a series began with tells little of its spread. */
export const fadingRate = (n: number, least: number): number => Math.max(2 / (n + 1), least);

/** Deviations are known so far only; more says nothing more. */
const MOST_SPREADS = 1000;
/** Of a series that never moved, any movement is this many spreads. */
const FROM_STILLNESS = 100;
/** Standard deviation over mean absolute deviation of a normal distribution, sqrt(pi / 2). */
const NORMAL = 1.2533;

/** A deviation in standard deviations, from the mean absolute deviation, which single outliers raise less. */
export function spreads(deviation: number, meanDeviation: number): number {
  const size = Math.abs(deviation);
  if (size === 0) return 0;
  if (meanDeviation === 0) return FROM_STILLNESS;
  return Math.min(size / (NORMAL * meanDeviation), MOST_SPREADS);
}

/** Differences that are this small a part of the values are rounding. */
const HAIR = 1e-6;

/** `x - expected`, and 0 where that is rounding only. */
export function difference(x: number, expected: number): number {
  const d = x - expected;
  return Math.abs(d) <= HAIR * Math.max(Math.abs(x), Math.abs(expected)) ? 0 : d;
}
