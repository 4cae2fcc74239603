import type { Interval } from '../core/interval.ts';
import { BlindStretches } from '../core/traffic/blind.ts';
import { type Fault, type Frame, frameEnd } from '../core/traffic/frame.ts';

/** What frames say of a range of time. */
export interface Covered {
  readonly frames: number;
  /** From the first to the last frame of the range; null: there is none. */
  readonly covered: Interval | null;
  /** Parts of that which no judged frame covers; adjacent ones are one. */
  readonly blind: readonly Interval[];
  readonly missing: {
    /** Frames that may not hold all that happened, and by fault: one may have several. */
    readonly incomplete: number;
    readonly faults: Readonly<Partial<Record<Fault, number>>>;
    /** Messages known to be lost in the kernel. */
    readonly lost: number;
    /** Frames that were made and lost on their way to the store. */
    readonly dropped: number;
  };
}

/** Ends of frames and of ranges that are as good as the same, ms. */
export const SLACK_MS = 60_000;

/** Parts of the range before its first and after its last frame, or all of it. */
export function unwatchedIn({ covered }: Pick<Covered, 'covered'>, { from, to }: Interval): Interval[] {
  const parts =
    covered === null
      ? [{ from, to }]
      : [
          { from, to: covered.from },
          { from: covered.to, to },
        ];
  return parts.filter(part => part.to - part.from > SLACK_MS);
}

/** Finds the parts of a range that judged frames do not cover. */
export class Coverage {
  readonly #range: Interval;
  readonly #blind = new BlindStretches();
  readonly #faults: Partial<Record<Fault, number>> = {};
  #frames = 0;
  #incomplete = 0;
  #lost = 0;
  #dropped = 0;

  constructor(range: Interval) {
    this.#range = range;
  }

  /** Frames come in order of start. */
  add(frame: Frame, judged: boolean): void {
    const from = Math.max(frame.start, this.#range.from);
    const to = Math.min(frameEnd(frame), this.#range.to);
    if (from >= to) return;
    this.#frames++;
    this.#blind.add({ from, to }, judged);
    if (frame.faults.length > 0) this.#incomplete++;
    for (const fault of frame.faults) this.#faults[fault] = (this.#faults[fault] ?? 0) + 1;
    this.#lost += frame.lost;
    this.#dropped += frame.dropped ?? 0;
  }

  result(): Covered {
    return {
      frames: this.#frames,
      covered: this.#blind.covered,
      blind: this.#blind.result(),
      missing: {
        incomplete: this.#incomplete,
        faults: { ...this.#faults },
        lost: this.#lost,
        dropped: this.#dropped,
      },
    };
  }
}
