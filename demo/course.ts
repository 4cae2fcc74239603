import type { Clock } from '../core/clock.ts';
import { type Frame, isComplete } from '../core/traffic/frame.ts';

/** Quiet long enough for the detectors to learn, then the leak, ms. */
export const TIMING = { leakAfterMs: 45_000, leakMs: 15_000 } as const;

/** On a busy machine it takes a while until probes are attached and a first frame is stored; no longer than this, ms. */
export const START_MS = 180_000;

/** How far it came. */
export interface Outcome {
  /** Start of the leak, epoch ms; null: it was not made. */
  readonly leakAt: number | null;
  readonly isLeakOver: boolean;
  /** Frames from the first one on, and those of them on which detectors abstain. */
  readonly frames: number;
  readonly incomplete: number;
}

/**
 * The course of a demonstration, timed from the first stored frame on: nothing is learned before it. `leak` is called once.
 * Ends `lengthMs` after that frame, after START_MS without one, or when `asked` is aborted.
 */
export class Course {
  readonly #clock: Clock;
  readonly #leak: () => void;
  readonly #lengthMs: number;
  readonly #over = new AbortController();
  #hasBegun = false;
  #leakAt: number | null = null;
  #isLeakOver = false;
  #frames = 0;
  #incomplete = 0;

  constructor(clock: Clock, leak: () => void, lengthMs: number, asked: AbortSignal) {
    this.#clock = clock;
    this.#leak = leak;
    this.#lengthMs = lengthMs;
    if (asked.aborted) this.end();
    asked.addEventListener('abort', () => this.end(), { once: true });
    void this.#giveUp();
  }

  /** Aborted when it is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get outcome(): Outcome {
    const [leakAt, isLeakOver] = [this.#leakAt, this.#isLeakOver];
    return { leakAt, isLeakOver, frames: this.#frames, incomplete: this.#incomplete };
  }

  /**
   * Takes each frame, with the number of frames that are stored by then. Returns when the leak will begin, epoch ms, at the
   * first that finds one stored; else null.
   */
  frame(frame: Pick<Frame, 'faults'>, stored: number): number | null {
    this.#frames += 1;
    if (!isComplete(frame)) this.#incomplete += 1;
    if (this.#hasBegun || stored === 0) return null;
    this.#hasBegun = true;
    void this.#play();
    return this.#clock.now() + TIMING.leakAfterMs;
  }

  end(): void {
    this.#over.abort();
  }

  async #giveUp(): Promise<void> {
    await this.#clock.sleep(START_MS, this.signal);
    if (!this.#hasBegun) this.end();
  }

  async #play(): Promise<void> {
    await this.#clock.sleep(TIMING.leakAfterMs, this.signal);
    if (this.signal.aborted) return;
    this.#leakAt = this.#clock.now();
    this.#leak();
    await this.#clock.sleep(TIMING.leakMs, this.signal);
    if (this.signal.aborted) return;
    this.#isLeakOver = true;
    await this.#clock.sleep(this.#lengthMs - TIMING.leakAfterMs - TIMING.leakMs, this.signal);
    this.end();
  }
}
