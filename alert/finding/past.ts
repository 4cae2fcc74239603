import { CAPS } from '../../core/caps.ts';
import type { Recurrence } from '../../core/incident/incident.ts';
import { compareText } from '../../core/traffic/frame.ts';

/** What happened before: when findings began, of each container, service and host. Bounded in number and in time. */

/** A finding that began: when, epoch ms, and what noticed it. */
export type PastEvent = readonly [start: number, by: string];
/** By whom it was about (`keyOf`), oldest first. */
export type Past = Readonly<Record<string, readonly PastEvent[]>>;

const DAY_MS = 86_400_000;
const KEPT_MS = 31 * DAY_MS;
/** Events of one container, service or host that are kept: the newest. */
const KEPT_EVENTS = 12;

/** One frame's look at the past, and what it adds to it. */
export class PastNotes {
  readonly #before: Past;
  readonly #now: number;
  readonly #since: number;
  #added: Record<string, readonly PastEvent[]> | null = null;

  /** `since`: start of the first frame that was folded; `now`: of this one. Epoch ms. */
  constructor(before: Past, since: number, now: number) {
    this.#before = before;
    this.#now = now;
    this.#since = Math.max(since, now - KEPT_MS);
  }

  /** When the same was noticed before, as far as it is remembered, epoch ms, ascending. */
  startsOf(key: string, by: string): readonly number[] {
    return this.#known(key)
      .filter(event => event[1] === by && this.#isKept(event))
      .map(([start]) => start);
  }

  /** How often the same was noticed before; from now on this is one more time. */
  take(key: string, by: string): Recurrence {
    const alike = this.startsOf(key, by);
    this.#added ??= { ...this.#before };
    this.#added[key] = [...this.#known(key), [this.#now, by] as const].slice(-KEPT_EVENTS);
    return {
      times: alike.length,
      inWeek: alike.filter(start => start > this.#now - 7 * DAY_MS).length,
      last: alike.at(-1) ?? null,
      since: this.#since,
    };
  }

  /** The past of the next frame: the same when nothing was added. */
  result(): Past {
    if (this.#added === null) return this.#before;
    const kept = Object.entries(this.#added).flatMap(([key, events]) => {
      const newer = events.filter(event => this.#isKept(event));
      return newer.length === 0 ? [] : [[key, newer] as const];
    });
    const newest = (events: readonly PastEvent[]) => events.at(-1)?.[0] ?? 0;
    // Ties are broken by key, never by the order of insertion, which a checkpoint need not keep.
    if (kept.length > CAPS.pastSubjects.limit)
      kept.sort(([a, x], [b, y]) => newest(y) - newest(x) || compareText(a, b));
    return Object.fromEntries(kept.slice(0, CAPS.pastSubjects.limit));
  }

  #known = (key: string): readonly PastEvent[] => (this.#added ?? this.#before)[key] ?? [];

  #isKept = ([start]: PastEvent): boolean => start > this.#now - KEPT_MS;
}
