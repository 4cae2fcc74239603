import { clamp, ramp } from './numbers.ts';

/**
 * Two hours that are unlike the same hours of other days: means of half-hours against the usual day and against last
 * week, whichever is closer. Finds what no single row shows, such as a night with the traffic of a day.
 */
export interface Context {
  /** Number of the half-hour since the epoch, and the sum and count of its values. */
  block: number | null;
  sum: number;
  count: number;
  /** Usual mean of each half-hour of the day, and the last one of each half-hour of the week. */
  readonly day: (number | null)[];
  readonly week: (number | null)[];
  /** Deviations of the last four half-hours. */
  readonly last: number[];
  n: number;
  /** Running mean and variance of half-hours, and mean square of what the profile leaves. */
  mean: number;
  variance: number;
  square: number;
  /** Mean square of the mean of four deviations. */
  spread: number;
}

export interface Unlike {
  /** Standard deviations, weakened where days are not alike. */
  readonly z: number;
  /** Mean of the half-hour, and what it would be on a usual day. */
  readonly seen: number;
  readonly expected: number;
}

const PER_DAY = 48;
const PER_WEEK = 336;
const TOGETHER = 4;
const DAY_RATE = 0.2;
const SPREAD_RATE = 1 / 200;
const LIMIT = 3;
const FEW = 20;
/** Judged from this share of the variance explained by the profile on, fully from the second. */
const ALIKE = [0.7, 0.9] as const;

export const newContext = (): Context => ({
  block: null,
  sum: 0,
  count: 0,
  day: Array<number | null>(PER_DAY).fill(null),
  week: Array<number | null>(PER_WEEK).fill(null),
  last: [],
  n: 0,
  mean: 0,
  variance: 0,
  square: 0,
  spread: 0,
});

const modulo = (n: number, by: number): number => ((n % by) + by) % by;

/**
 * Take in a value of half-hour `block`, or that a row has none to give (null); when a new half-hour begins, say how unlike
 * the two hours before it were.
 */
export function inContext(state: Context, x: number | null, block: number): Unlike | null {
  const unlike = state.block === null || state.block === block ? null : close(state, state.block);
  if (state.block !== block) {
    state.block = block;
    state.sum = 0;
    state.count = 0;
  }
  if (x !== null) {
    state.sum += x;
    state.count++;
  }
  return unlike;
}

function close(state: Context, block: number): Unlike | null {
  if (state.count === 0) return null;
  const seen = state.sum / state.count;
  const [d, w] = [modulo(block, PER_DAY), modulo(block, PER_WEEK)];
  const usual = state.day[d] ?? null;
  const lastWeek = state.week[w] ?? usual;
  state.day[d] = usual === null ? seen : usual + DAY_RATE * (seen - usual);
  state.week[w] = seen;
  if (usual === null || lastWeek === null) return null;
  const expected = Math.abs(seen - lastWeek) < Math.abs(seen - usual) ? lastWeek : usual;
  state.last.push(seen - expected);
  if (state.last.length > TOGETHER) state.last.shift();
  return { z: deviation(state, seen, seen - expected), seen, expected };
}

function deviation(state: Context, seen: number, difference: number): number {
  state.n++;
  const rate = Math.max(1 / state.n, 1 / PER_WEEK);
  state.mean += (seen - state.mean) * rate;
  state.variance += ((seen - state.mean) ** 2 - state.variance) * rate;
  state.square += (difference ** 2 - state.square) * rate;
  const alike = state.variance > 0 ? ramp(1 - state.square / state.variance, ...ALIKE) : 0;
  const together = state.last.reduce((sum, one) => sum + one, 0) / state.last.length;
  const sigma = Math.sqrt(state.spread);
  const limited = state.n > FEW && sigma > 0 ? clamp(together, LIMIT * sigma) : together;
  state.spread += (limited ** 2 - state.spread) * Math.max(1 / state.n, SPREAD_RATE);
  return sigma > 0 && state.last.length === TOGETHER ? (alike * Math.abs(together)) / sigma : 0;
}
