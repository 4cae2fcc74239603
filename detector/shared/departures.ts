/**
 * When somebody left for longer than one is missed. What is stopped for the night leaves at about the same time of the day:
 * from the third time on in a fortnight that is no news. At another time it is: two that were removed excuse no third. Bounded.
 */

/** Epoch minutes, oldest first. Plain JSON. */
export type Departures = number[];

const MINUTE = 60_000;
const DAY_MINUTES = 1440;
/** A fortnight: what happens each week has happened twice in it. */
const KEPT_MINUTES = 14 * DAY_MINUTES + 60;
const MOST = 8;
/** Departures so close together are one. */
const SAME_MINUTES = 10;
/** About the same time of the day. */
const ABOUT_MINUTES = 120;
const ENOUGH = 2;

/** Upper bound in bytes of JSON. */
export const DEPARTURES_BYTES = 2 + MOST * 10;

/** Somebody left at time `at`, epoch ms. */
export function leave(departures: Departures, at: number): Departures {
  const minute = Math.floor(at / MINUTE);
  const kept = departures.filter(then => Math.abs(minute - then) < KEPT_MINUTES);
  if (kept.some(then => Math.abs(minute - then) < SAME_MINUTES)) return kept;
  return [...kept, minute].slice(-MOST);
}

/** Is it usual that somebody leaves at the time of day of `at`, epoch ms? */
export function leavesThen(departures: Departures, at: number): boolean {
  const minute = Math.floor(at / MINUTE);
  const alike = departures.filter(then => {
    const apart = Math.abs(minute - then);
    const ofDay = apart % DAY_MINUTES;
    return apart < KEPT_MINUTES && Math.min(ofDay, DAY_MINUTES - ofDay) <= ABOUT_MINUTES;
  });
  return alike.length >= ENOUGH;
}
