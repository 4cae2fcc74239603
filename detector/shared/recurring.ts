/**
 * How far events have gone that happened before. What has happened twice in a fortnight is no news: of the peaks of
 * former events the second greatest counts (peaks over threshold). Bounded.
 */

/** An event that is over: epoch minute of its end, and how far it went, > 0. */
type Peak = [minute: number, size: number];

/** Plain JSON. */
export interface Recurring {
  peaks: Peak[];
  /** The event that is going on: how far it went, and when it was seen last, epoch ms; null: none is. */
  event: { size: number; last: number } | null;
}

const MINUTE = 60_000;
/** A fortnight: what happens each week has happened twice in it. */
const KEPT_MINUTES = 14 * 1440 + 60;
const PEAKS = 8;
/** An event that pauses for longer is another one. */
const PAUSE_MS = 5 * MINUTE;
/** What goes so many times as far as before is news. */
const BEYOND = 1.3;

/** Upper bound in bytes of JSON. */
export const RECURRING_BYTES = 90 + PEAKS * 36;

export const nothingRecurs = (): Recurring => ({ peaks: [], event: null });

/** How far an event has to go to be news at time `now`, epoch ms; 0: as far as any. */
export function newsFrom({ peaks }: Recurring, now: number): number {
  const [, second] = peaks
    .filter(([minute]) => isKept(minute, now))
    .map(([, size]) => size)
    .sort((a, b) => b - a);
  return BEYOND * (second ?? 0);
}

/** An event goes on at time `now`, epoch ms, and goes so far. Changes `recurring` in place. */
export function happens(recurring: Recurring, size: number, now: number): void {
  settle(recurring, now);
  const { event } = recurring;
  recurring.event = { size: Math.max(size, event?.size ?? 0), last: now };
}

/** An event that has paused for long enough is over: it is one of the former ones. Changes `recurring` in place. */
export function settle(recurring: Recurring, now: number): void {
  const { event } = recurring;
  if (event === null || Math.abs(now - event.last) <= PAUSE_MS) return;
  recurring.event = null;
  recurring.peaks = recurring.peaks.filter(([minute]) => isKept(minute, now));
  recurring.peaks.push([Math.floor(event.last / MINUTE), Number(event.size.toPrecision(6))]);
  if (recurring.peaks.length <= PEAKS) return;
  const least = recurring.peaks.reduce((a, b) => (b[1] < a[1] ? b : a));
  recurring.peaks.splice(recurring.peaks.indexOf(least), 1);
}

const isKept = (minute: number, now: number): boolean => Math.abs(now / MINUTE - minute) < KEPT_MINUTES;
