/** How a deviation becomes an alarm by lasting: common to all detectors with a `for` option. */

/** Scores end here: a ratio to 0 would be infinite, and infinity is no number in JSON. */
export const MAX_SCORE = 100;

/** a / b for a, b >= 0, within 0..MAX_SCORE. */
export function ratioOf(a: number, b: number): number {
  if (a <= 0) return 0;
  return b === 0 ? MAX_SCORE : Math.min(a / b, MAX_SCORE);
}

/**
 * Score of a value that reaches its limit at `ratio` 1 and has done so for `heldMs`: the ratio itself once it was held
 * for `forMs`. Before that it is below 1, the mean of two parts: how near the limit is, how much of `forMs` is over.
 */
export function scoreOf(ratio: number, heldMs: number, forMs: number): number {
  if (forMs === 0 || (ratio >= 1 && heldMs >= forMs)) return ratio;
  return (Math.min(ratio, 1) + Math.min(heldMs / forMs, 1)) / 2;
}

/** How long a limit has been crossed, for a rule that waits for it, ms: its incident began then. */
export const heldFor = (heldMs: number, forMs: number): { heldMs?: number } =>
  forMs === 0 || heldMs === 0 ? {} : { heldMs };

/**
 * Does a gap before `start` break what was held? Nobody saw what happened in it: a short one does not, one longer
 * than `forMs` does. `end` is the end of the last judged frame, epoch ms, null before the first.
 */
export function isBroken(end: number | null, start: number, forMs: number): boolean {
  return end !== null && start - end > forMs;
}
