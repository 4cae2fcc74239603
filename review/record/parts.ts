import type { Interval } from '../../core/interval.ts';

/** A stretch of consecutive frames: what charts draw as one point. */
export interface Part {
  /** Start of its first frame and end of its last one, epoch ms. */
  start: number;
  end: number;
}

/**
 * A stretch of time in at most `limit` parts of equally many frames, however long it gets: when they are used up, each two
 * neighbours become one. Memory is bounded, and the sums stay exact.
 */
export class Parts<P extends Part> {
  readonly #limit: number;
  readonly #make: (start: number, end: number) => P;
  readonly #merge: (into: P, other: P) => void;
  readonly #parts: P[] = [];
  #framesEach = 1;
  #inLast = 0;

  /**
   * `limit`: even. `make` gives a part in which nothing is added up yet. `merge` adds a part to the one right before it;
   * their times are no concern of it.
   */
  constructor(limit: number, make: (start: number, end: number) => P, merge: (into: P, other: P) => void) {
    this.#limit = limit;
    this.#make = make;
    this.#merge = merge;
  }

  /** The part that what this frame has is to be added to. Frames come in order, each once. */
  of({ from, to }: Interval): P {
    const last = this.#parts.at(-1);
    if (last && this.#inLast < this.#framesEach) {
      this.#inLast++;
      last.end = to;
      return last;
    }
    if (this.#parts.length === this.#limit) this.#halve();
    const part = this.#make(from, to);
    this.#parts.push(part);
    this.#inLast = 1;
    return part;
  }

  /** Oldest first. */
  get all(): readonly P[] {
    return this.#parts;
  }

  #halve(): void {
    const halved: P[] = [];
    for (const [i, part] of this.#parts.entries()) {
      const even = halved[i >> 1];
      if (even) {
        this.#merge(even, part);
        even.end = part.end;
      } else halved.push(part);
    }
    this.#parts.splice(0, Number.POSITIVE_INFINITY, ...halved);
    this.#framesEach *= 2;
  }
}
