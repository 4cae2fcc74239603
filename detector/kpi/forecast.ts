import { clamp, difference, rateOf, spreads } from './numbers.ts';

/**
 * One-step forecast: an autoregression of order 1 with intercept, fitted by recursive least squares with forgetting
 * (Haykin, Adaptive Filter Theory, ch. 10), and the spread of its errors, overall and at this time of day.
 */
export interface Forecast {
  /** First value of the series; values are fitted as (x - first) / unit, so that no scale is special. */
  first: number | null;
  unit: number;
  reach: number;
  /** The value before, fitted; null when it is missing. */
  before: number | null;
  intercept: number;
  slope: number;
  /** Inverse of the fit's information matrix, which is symmetric: [ii, is, ss]. */
  readonly covariance: [number, number, number];
  /** Forecasts made. */
  n: number;
  /** Mean absolute error, and at each half-hour of the day with how many it was taken over. */
  error: number;
  readonly slotError: number[];
  readonly slotCount: number[];
  /** Largest error, signed, in each half-hour on the last three days it was passed, newest first. */
  readonly jumps: number[];
  slot: number | null;
  jump: number;
  /** Running variance of values and mean square of errors, for the share that is forecast. */
  mean: number;
  variance: number;
  square: number;
}

export interface ForecastError {
  /** Size of the error in standard deviations, where it is not one that every day brings; null while too few are known. */
  readonly z: number | null;
  /** Size of the error, in units of its own. */
  readonly size: number;
  /** What was expected, in the series' unit. */
  readonly expected: number;
}

const SLOTS = 48;
const DAYS = 3;
/** Errors known before any is judged or limited. */
const FEW = 20;
const UNIT_RATE = 0.001;
const FORGETTING = 0.9998;
const LARGEST_COVARIANCE = 1e6;
const ERROR_RATE = 0.02;
const SHARE_RATE = 1 / 5000;
/** Outliers count as at most this many mean errors in the fit, and in the mean error itself. */
const FIT_LIMIT = 8;
const ERROR_LIMIT = 4;
/** No row moves variance and mean square error by more than this multiple of the variance. */
const SHARE_LIMIT = 50;
/** From this many spreads on, the error that a half-hour brings on most days is a jump of the schedule. */
const SCHEDULED = 3;
/** A jump may be that much larger than the middle one of the last three days. */
const JUMP_ALLOWANCE = 1.5;

export const newForecast = (): Forecast => ({
  first: null,
  unit: 0,
  reach: 0,
  before: null,
  intercept: 0,
  slope: 1,
  covariance: [100, 0, 100],
  n: 0,
  error: 0,
  slotError: Array<number>(SLOTS).fill(0),
  slotCount: Array<number>(SLOTS).fill(0),
  jumps: Array<number>(SLOTS * DAYS).fill(0),
  slot: null,
  jump: 0,
  mean: 0,
  variance: 0,
  square: 0,
});

/** Share of the variance that the forecast explains (R squared), at most 1; 0 of a series that never moved. */
export const predictability = (state: Forecast): number =>
  state.variance > 0 ? 1 - state.square / state.variance : 0;

/**
 * Compare a value with its forecast, then learn it. `slot`: the half-hour of the day, 0 to 47; `afterGap`: rows are
 * missing before this one, so that there is nothing to forecast from. `rows`: how many there have been with this one.
 */
export function forecast(
  state: Forecast,
  x: number,
  rows: number,
  slot: number,
  afterGap: boolean,
): ForecastError | null {
  const first = state.first ?? x;
  state.first = first;
  state.reach = Math.max(state.reach, Math.abs(x - first));
  state.unit += (Math.abs(x - first) - state.unit) * rateOf(rows, UNIT_RATE);
  // A series that stood still for long would have a unit of next to nothing when it moves.
  const unit = Math.max(state.unit, state.reach * 1e-6);
  // Plus 0: a -0 would come back from a checkpoint as 0.
  const y = unit > 0 ? (x - first) / unit + 0 : 0;
  const { before } = state;
  state.before = y;
  if (before === null || unit === 0 || afterGap) return null;
  const expected = first + unit * (state.intercept + state.slope * before);
  const error = difference(x, expected) / unit;
  state.n++;
  const typical = typicalError(state, slot);
  const unexpected = withoutSchedule(state, error, typical, slot);
  const z = state.n > FEW ? spreads(unexpected, typical) : null;
  learnJump(state, error, slot);
  learnError(state, error, typical, slot);
  adapt(state, before, error);
  learnShare(state, y, error);
  return { z, size: Math.abs(error), expected };
}

/** Mean absolute error to reckon with: half of it what it is now, half what it is at this time of day. */
function typicalError(state: Forecast, slot: number): number {
  const known = (state.slotCount[slot] as number) >= 5;
  return known ? (state.error + (state.slotError[slot] as number)) / 2 : state.error;
}

/** What remains of an error after the jump that this half-hour brings on most days. */
function withoutSchedule({ jumps }: Forecast, error: number, typical: number, slot: number): number {
  const [a, b, c] = jumps.slice(slot * DAYS, (slot + 1) * DAYS) as [number, number, number];
  const middle = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
  const scheduled = middle * error > 0 && spreads(middle, typical) > SCHEDULED;
  if (!scheduled) return error;
  return Math.sign(error) * Math.max(0, Math.abs(error) - JUMP_ALLOWANCE * Math.abs(middle));
}

/** Keep the largest error of this half-hour; when another one has begun, with those of the days before. */
function learnJump(state: Forecast, error: number, slot: number): void {
  if (state.slot !== slot) {
    if (state.slot !== null) {
      const at = state.slot * DAYS;
      state.jumps.splice(at, DAYS, state.jump, ...state.jumps.slice(at, at + DAYS - 1));
    }
    state.slot = slot;
    state.jump = 0;
  }
  if (Math.abs(error) > Math.abs(state.jump)) state.jump = error;
}

function learnError(state: Forecast, error: number, typical: number, slot: number): void {
  const size = Math.abs(error);
  const limited = (by: number) => (state.n > FEW && by > 0 ? Math.min(size, ERROR_LIMIT * by) : size);
  state.error += (limited(state.error) - state.error) * rateOf(state.n, ERROR_RATE);
  const count = (state.slotCount[slot] as number) + 1;
  const old = state.slotError[slot] as number;
  state.slotError[slot] = old + (limited(typical) - old) * rateOf(count, ERROR_RATE);
  state.slotCount[slot] = count;
}

function adapt(state: Forecast, before: number, error: number): void {
  const limit = FIT_LIMIT * state.error;
  const limited = state.n > FEW && limit > 0 ? clamp(error, limit) : error;
  const [ii, is, ss] = state.covariance;
  const i = ii + is * before;
  const s = is + ss * before;
  const scale = FORGETTING + i + s * before;
  state.intercept += (i / scale) * limited;
  state.slope += (s / scale) * limited;
  const next = [ii - (i * i) / scale, is - (i * s) / scale, ss - (s * s) / scale].map(c => c / FORGETTING);
  const [a, b, c] = next as [number, number, number];
  // Nothing is learnt about the slope while values stand still: start over before numbers lose their meaning.
  const lost = !(a > 0 && c > 0 && a < LARGEST_COVARIANCE && c < LARGEST_COVARIANCE);
  state.covariance.splice(0, 3, ...(lost ? [100, 0, 100] : [a, b, c]));
}

function learnShare(state: Forecast, y: number, error: number): void {
  const rate = rateOf(state.n, SHARE_RATE);
  const most = state.n > FEW && state.variance > 0 ? SHARE_LIMIT * state.variance : Number.POSITIVE_INFINITY;
  state.mean += (y - state.mean) * rate;
  state.variance += (Math.min((y - state.mean) ** 2, most) - state.variance) * rate;
  state.square += (Math.min(error * error, most) - state.square) * rate;
}
