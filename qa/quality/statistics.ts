import { type Bounds, shareInterval } from '../../core/share-interval.ts';

/** What a count is worth: 95 % intervals. */
export { shareInterval };

const Z = 1.96;

/** Of a Poisson mean, given a count: Byar's approximation (Rothman and Boice, 1979). */
export function poissonInterval(count: number): Bounds {
  const bound = (n: number, sign: 1 | -1) =>
    n === 0 ? 0 : n * (1 - 1 / (9 * n) + (sign * Z) / (3 * Math.sqrt(n))) ** 3;
  return { low: bound(count, -1), high: bound(count + 1, 1) };
}

/** Middle of a list (the lower of two); null of an empty one. */
export function median(list: readonly number[]): number | null {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}
