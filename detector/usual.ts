/**
 * What a count has reached at most, and how far beyond that is news. What alarms is not learned at once, or an attack
 * would make room for the next; what recurs is, and so is what lasts. Bounded: five numbers.
 */
export interface Usual {
  /** Greatest count of late: it halves in a week. */
  most: number;
  /** When `most` was brought up to date, epoch ms. */
  at: number;
  /** Peak of the newest event that alarmed; 0: none. */
  peak: number;
  /** Its first and last alarming frame, epoch ms. */
  first: number;
  last: number;
}

const HALF_LIFE_MS = 7 * 86_400_000;
/** An event is over when nothing has alarmed for this long. */
const PAUSE_MS = 600_000;
/** What alarms for this long is the new normal. */
const RELEARN_MS = 3_600_000;
/** A second event within this time makes the lower of both peaks usual. */
const RECURS_MS = 14 * 86_400_000;

/** Upper bound in bytes of JSON. */
export const USUAL_BYTES = 120;

export const nothingUsual = (): Usual => ({ most: 0, at: 0, peak: 0, first: 0, last: 0 });

/** The count of late that nothing above `factor` times of is news yet, at least `floor`. */
export const limitOf = (usual: Usual, floor: number, factor: number): number =>
  Math.max(floor, factor * usual.most);

/** Take note of a count at time `now`, epoch ms; `alarms`: it was beyond its limit. Changes `usual` in place. */
export function note(usual: Usual, count: number, now: number, alarms: boolean): void {
  usual.most = round(usual.most * 2 ** (-Math.max(0, now - usual.at) / HALF_LIFE_MS));
  usual.at = now;
  if (!alarms) {
    usual.most = Math.max(usual.most, count);
    return;
  }
  if (usual.peak > 0 && now - usual.last <= PAUSE_MS) usual.peak = Math.max(usual.peak, count);
  else {
    if (usual.peak > 0 && now - usual.last <= RECURS_MS)
      usual.most = Math.max(usual.most, Math.min(usual.peak, count));
    usual.peak = count;
    usual.first = now;
  }
  usual.last = now;
  if (now - usual.first >= RELEARN_MS) usual.most = Math.max(usual.most, usual.peak);
}

/** Short in JSON. */
const round = (x: number): number => Math.round(x * 1e3) / 1e3;
