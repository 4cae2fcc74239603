import { formatLength } from '../config/units.ts';
import type { Interval } from '../interval.ts';
import type { TimeZone } from '../time-zone.ts';

/** Of which time nobody can say what happened: no frame is stored of it, or one that may not hold all. */

/** Collects blind stretches from frames. Hours of incomplete frames are one stretch, not thousands. */
export class BlindStretches {
  readonly #stretches: Interval[] = [];
  #first: number | null = null;
  #end: number | null = null;

  /** Start of the first frame and end of the last one; null before the first. */
  get covered(): Interval | null {
    const [from, to] = [this.#first, this.#end];
    return from === null || to === null ? null : { from, to };
  }

  /** The next part of the time, ascending by start; `isSeen`: all that happened in it is known. */
  add({ from, to }: Interval, isSeen: boolean): void {
    this.#first ??= from;
    if (this.#end !== null && from > this.#end) this.#addBlind({ from: this.#end, to: from });
    if (!isSeen) this.#addBlind({ from, to });
    this.#end = Math.max(this.#end ?? to, to);
  }

  /** Ascending; adjacent ones are one. */
  result(): Interval[] {
    return [...this.#stretches];
  }

  #addBlind(stretch: Interval): void {
    const last = this.#stretches.at(-1);
    if (last && last.to >= stretch.from)
      this.#stretches[this.#stretches.length - 1] = { from: last.from, to: Math.max(last.to, stretch.to) };
    else this.#stretches.push(stretch);
  }
}

/** Parts of blind stretches that lie in `range`. */
export const blindWithin = (blind: readonly Interval[], range: Interval): Interval[] =>
  blind
    .map(({ from, to }) => ({ from: Math.max(from, range.from), to: Math.min(to, range.to) }))
    .filter(({ from, to }) => from < to);

/** Of all of them, ms. */
export const lengthOfAll = (parts: readonly Interval[]): number =>
  parts.reduce((sum, { from, to }) => sum + to - from, 0);

/** `blind 2026-01-31T22:00:00.000Z for 1m4s: nothing can be said about it`; of several how many, and the longest. Null: there is none. */
export function blindText(blind: readonly Interval[], zone: Pick<TimeZone, 'text'>): string | null {
  const [longest, ...others] = blind.toSorted((a, b) => b.to - b.from - (a.to - a.from));
  if (longest === undefined) return null;
  const one = `${zone.text(longest.from)} for ${formatLength(longest.to - longest.from)}`;
  return others.length === 0
    ? `blind ${one}: nothing can be said about it`
    : `blind ${blind.length} times, for ${formatLength(lengthOfAll(blind))} in all, the longest ${one}: nothing can be said about that`;
}
