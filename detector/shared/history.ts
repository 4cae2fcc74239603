/** Former levels of a series in bounded memory: means over slices of time, whatever the cadence. */

interface Slice {
  /** Number of the slice since the epoch. */
  readonly slot: number;
  /** Start of its last frame, epoch ms. */
  last: number;
  /** Sum of value x duration, and of durations, ms. */
  area: number;
  ms: number;
}

/** Oldest first. */
export type History = Slice[];

interface Moment {
  readonly start: number;
  readonly durationMs: number;
}

/** Slices that a look back consists of. */
const SLICES = 8;

/** Upper bound of a history in bytes of JSON: the slices of the look back, the one before and the newest. */
export const historyBytes = (SLICES + 4) * 110;

/**
 * The level `withinMs` before a frame: the mean of the newest slice whose frames all started at least that long
 * before. Null when there is none, or only one from before a gap: nothing is interpolated.
 */
export function levelBefore(history: History, now: Moment, withinMs: number): number | null {
  const slice = history.findLast(s => s.last <= now.start - withinMs);
  if (!slice) return null;
  const oldest = now.start - withinMs - 2 * Math.max(withinMs, now.durationMs);
  return slice.last < oldest ? null : slice.area / slice.ms;
}

/** The first time from which on `levelBefore` knows a level if frames go on, epoch ms; null: nothing was added yet. */
export const levelKnownFrom = ([first]: History, withinMs: number): number | null =>
  first === undefined ? null : Math.ceil((first.slot + 1) * (withinMs / SLICES)) + withinMs;

/** Add a frame's value and forget what no later frame will look back to. */
export function add(history: History, frame: Moment & { value: number }, withinMs: number): History {
  const slot = Math.floor(frame.start / (withinMs / SLICES));
  const newest = history.at(-1);
  if (newest?.slot === slot) {
    newest.last = frame.start;
    newest.area += frame.value * frame.durationMs;
    newest.ms += frame.durationMs;
  } else {
    const area = frame.value * frame.durationMs;
    history.push({ slot, last: frame.start, area, ms: frame.durationMs });
  }
  const needed = history.findLastIndex(s => s.last <= frame.start - withinMs);
  return needed > 0 ? history.slice(needed) : history;
}
