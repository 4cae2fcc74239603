/** Ends of an interval. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** Of 95 %: the quantile of the normal distribution. */
const Z = 1.96;

/** 95 % interval of a share, given hits among n: Wilson's score interval (1927). */
export function shareInterval(hits: number, n: number): Bounds {
  if (n === 0) return { low: 0, high: 1 };
  const p = hits / n;
  const middle = (p + Z ** 2 / (2 * n)) / (1 + Z ** 2 / n);
  const half = (Z / (1 + Z ** 2 / n)) * Math.sqrt((p * (1 - p)) / n + Z ** 2 / (4 * n ** 2));
  // Rounding must not leave p itself out: of all hits the upper end is 1 but for the last digit.
  return { low: Math.max(0, Math.min(p, middle - half)), high: Math.min(1, Math.max(p, middle + half)) };
}
