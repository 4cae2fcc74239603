/** What a count is worth: 95 % intervals. */

const Z = 1.96;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Of a Poisson mean, given a count: Byar's approximation (Rothman and Boice, 1979). */
export function poissonInterval(count: number): Interval {
  const bound = (n: number, sign: 1 | -1) =>
    n === 0 ? 0 : n * (1 - 1 / (9 * n) + (sign * Z) / (3 * Math.sqrt(n))) ** 3;
  return { low: bound(count, -1), high: bound(count + 1, 1) };
}

/** Of a share, given hits among n: Wilson's score interval (1927). */
export function shareInterval(hits: number, n: number): Interval {
  if (n === 0) return { low: 0, high: 1 };
  const p = hits / n;
  const middle = (p + Z ** 2 / (2 * n)) / (1 + Z ** 2 / n);
  const half = (Z / (1 + Z ** 2 / n)) * Math.sqrt((p * (1 - p)) / n + Z ** 2 / (4 * n ** 2));
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/** Middle of a list (the lower of two); null of an empty one. */
export function median(list: readonly number[]): number | null {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}
