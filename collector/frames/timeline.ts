import type { ClockReading } from '../contract.ts';

/** A difference of the two clocks up to this is only their resolution of 10 ms, ms. */
const JITTER_MS = 50;

/** An interval on the wall clock: integer epoch milliseconds, integer duration > 0. */
export interface Interval {
  readonly start: number;
  readonly durationMs: number;
}

/**
 * From the kernel's time since boot (suspend included) to wall time. Intervals follow each other without overlap and
 * with strictly ascending starts, whatever the wall clock does. The two clocks run at the same speed, so that their
 * difference only changes when somebody sets the wall clock: forward leaves a gap between two intervals; backward is
 * not followed (an overlap would store two frames for one time): the intervals then run ahead, by `aheadMs`.
 */
export class Timeline {
  /** Wall time minus time since boot, ms; null before the first mark. */
  #offset: number | null = null;
  /** Start of the open interval. */
  #start = 0;
  #startNs = 0;
  #aheadMs = 0;

  /** @param notBefore no interval starts before this, epoch ms; null: it may at any time */
  constructor(notBefore: number | null) {
    this.#start = notBefore ?? Number.NEGATIVE_INFINITY;
  }

  /** Kernel time at which the open interval started, ns; null before the first mark. */
  get startNs(): number | null {
    return this.#offset === null ? null : this.#startNs;
  }

  /** By how much the intervals are ahead of the wall clock, ms. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  /** Open the first interval. */
  begin(ns: number, reading: ClockReading): void {
    const offset = reading.wall - reading.boot;
    this.#startNs = ns;
    const wall = Math.round(offset + ns / 1e6);
    this.#start = Math.max(this.#start, wall);
    this.#aheadMs = this.#start - wall;
    this.#offset = offset + this.#aheadMs;
  }

  /** Close the open interval at `ns` (later than its start) and open the next. `begin` must have been called. */
  close(ns: number, reading: ClockReading): Interval {
    const offset = this.#offset ?? 0;
    const start = this.#start;
    const end = Math.max(start + 1, Math.round(offset + ns / 1e6));
    const now = reading.wall - reading.boot;
    this.#aheadMs = Math.max(0, Math.round(offset - now));
    if (this.#aheadMs <= JITTER_MS) this.#aheadMs = 0;
    const stepped = now - offset > JITTER_MS;
    this.#offset = stepped ? now : offset;
    this.#start = stepped ? Math.max(end, Math.round(now + ns / 1e6)) : end;
    this.#startNs = ns;
    return { start, durationMs: end - start };
  }
}
