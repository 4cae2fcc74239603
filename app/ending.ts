import type { Clock } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';

/** Longest that an orderly end waits for store, queue and state after the last readout, ms. */
export const ENDING_MS = 3500;

/**
 * The steps of an orderly end, one after the other. What has not answered when its time is over is left: everything that
 * must not be lost is on disk, and leases expire.
 */
export class Ending {
  readonly #clock: Clock;
  readonly #began: number;
  readonly #undone: string[] = [];

  /** Begins now. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#began = clock.monotonic();
  }

  /** What was left, in words. */
  get undone(): readonly string[] {
    return this.#undone;
  }

  /**
   * Do this until `untilMs` after the beginning; the last step may use all of ENDING_MS. A step that fails is left like one
   * that takes too long; `left` gets the reason and says what that means, or null when it means nothing.
   */
  async step(
    untilMs: number,
    action: () => Promise<unknown>,
    left: (why: string) => string | null,
  ): Promise<void> {
    const done = new AbortController();
    const rest = Math.max(0, this.#began + untilMs - this.#clock.monotonic());
    const ended = action().then(
      () => null,
      (error: unknown) => describeError(error),
    );
    const late = this.#clock.sleep(rest, done.signal).then(() => 'no answer in time');
    const why = await Promise.race([ended, late]);
    done.abort();
    const text = why === null ? null : left(why);
    if (text !== null) this.#undone.push(text);
  }
}
