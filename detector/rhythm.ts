/**
 * How regular something is that happens again and again: when (intervals), how often each time (messages) and how much
 * (bytes). Mean and variance by Welford's update (Technometrics 4(3), 1962), in constant memory.
 */

/** Mean and sum of squared deviations of n values. */
export interface Moments {
  n: number;
  mean: number;
  m2: number;
}

/** What was seen of one conversation. */
export interface Rhythm {
  /** Start of its newest beat, epoch ms; null: it cannot be said how long ago that was. */
  last: number | null;
  /** Beats that were part of an interval. */
  intervals: Moments;
  messages: Moments;
  bytes: Moments;
}

/** Upper bound in bytes of JSON. */
export const RHYTHM_BYTES = 210;

/** Coefficients of variation up to which intervals and bytes are a machine's; messages: variance over mean. */
const REGULAR = { intervals: 0.2, bytes: 0.2, messages: 0.3 };
/** More than this at each beat is work, not a sign of life. */
const SMALL = { messages: 30, bytes: 64 * 1024 };

const none = (): Moments => ({ n: 0, mean: 0, m2: 0 });
export const newRhythm = (): Rhythm => ({ last: null, intervals: none(), messages: none(), bytes: none() });

/** Something happened in the frame that starts at `start`, epoch ms. Changes `rhythm` in place. */
export function beat(rhythm: Rhythm, start: number, messages: number, bytes: number): void {
  if (rhythm.last !== null) add(rhythm.intervals, (start - rhythm.last) / 1000);
  rhythm.last = start;
  add(rhythm.messages, messages);
  add(rhythm.bytes, bytes);
}

/**
 * Is it a machine's? The start of a frame tells when a beat was to within one frame of `frameMs`: what that adds to the
 * variance of intervals, a sixth of its square, is taken off. Poisson traffic has intervals with a coefficient of
 * variation of 1 and messages with a variance equal to their mean.
 */
export function isRegular({ intervals, messages, bytes }: Rhythm, frameMs: number): boolean {
  const jitter = Math.max(0, variance(intervals) - (frameMs / 1000) ** 2 / 6);
  return (
    Math.sqrt(jitter) <= REGULAR.intervals * intervals.mean &&
    variance(messages) <= REGULAR.messages * messages.mean &&
    Math.sqrt(variance(bytes)) <= REGULAR.bytes * bytes.mean &&
    messages.mean <= SMALL.messages &&
    bytes.mean <= SMALL.bytes
  );
}

function add(moments: Moments, value: number): void {
  moments.n++;
  const difference = value - moments.mean;
  moments.mean = short(moments.mean + difference / moments.n);
  moments.m2 = short(moments.m2 + difference * (value - moments.mean));
}

const variance = ({ n, m2 }: Moments): number => (n < 2 ? 0 : Math.max(0, m2) / (n - 1));

/** Short in JSON, exact enough. */
const short = (x: number): number => Number(x.toPrecision(6));
