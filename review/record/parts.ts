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
  readonly #merge: (into: P, other: P) => void;
  readonly #parts: P[] = [];
  #framesEach = 1;
  #inLast = 0;

  /** `limit`: even. `merge` adds a part to the one right before it; their times are no concern of it. */
  constructor(limit: number, merge: (into: P, other: P) => void) {
    this.#limit = limit;
    this.#merge = merge;
  }

  /** Adds what one frame has, after all others. */
  add(part: P): void {
    const last = this.#parts.at(-1);
    if (last && this.#inLast < this.#framesEach) {
      this.#join(last, part);
      this.#inLast++;
      return;
    }
    if (this.#parts.length === this.#limit) {
      this.#halve();
      this.add(part);
      return;
    }
    this.#parts.push(part);
    this.#inLast = 1;
  }

  /** Oldest first. */
  get all(): readonly P[] {
    return this.#parts;
  }

  #halve(): void {
    const halved: P[] = [];
    for (const [i, part] of this.#parts.entries()) {
      const even = halved[i >> 1];
      if (even) this.#join(even, part);
      else halved.push(part);
    }
    this.#parts.splice(0, Number.POSITIVE_INFINITY, ...halved);
    this.#framesEach *= 2;
    this.#inLast = this.#framesEach;
  }

  #join(into: P, part: P): void {
    this.#merge(into, part);
    into.end = part.end;
  }
}
