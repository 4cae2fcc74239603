import { type Backoff, pauseAfter } from '../../core/retry.ts';
import type { DeliveryResult, Limits } from '../../notify/contract.ts';

/**
 * Pauses after failures that came without a wish of the receiver: of one that is away, and of one message. They begin
 * short: who refuses two messages by chance must not hold up the others for long.
 */
const BACKOFF: Backoff = { firstMs: 500, maxMs: 60_000 };
/** A pause of our own choice is longer or shorter by up to this share, so that many senders do not come back together. */
const JITTER = 0.25;
/** A pause that was asked for is never shorter, and longer by up to this share of it, and this many ms. */
const ASKED_JITTER = { share: 0.05, mostMs: 5000 };
/** A pause that was kept is never longer, ms: the longest that is granted, and its jitter. A clock may have been set back. */
const MOST_KEPT_MS = 3_600_000 + ASKED_JITTER.mostMs;

/**
 * When the next message may go to one receiver. A pause is the receiver's, whichever message met it: while it is full or
 * away, no other message is sent in vain. After a failure one attempt at a time finds out whether it is back.
 *
 * Times are monotonic, ms. Of this only what a receiver asked for is kept: a new process finds out all else with one attempt.
 */
export class Pace {
  readonly #limits: Limits;
  readonly #random: () => number;
  /** Nothing is sent before: as the receiver asked, or because it failed. */
  #opens = Number.NEGATIVE_INFINITY;
  /** Nothing is sent before: the configured rate. */
  #slot = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  /** Failures since the last answer that was none. */
  failures = 0;
  /** True while a pause that the receiver asked for is not kept. */
  isUnkept = false;

  /** `random`: numbers from 0 to below 1. */
  constructor(limits: Limits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
  }

  /** How long nothing is to be sent, ms; 0: a message may go now. */
  waitMs(now: number): number {
    return Math.max(0, this.#opens - now, this.#slot - now);
  }

  /** How many attempts may be under way at once. */
  get width(): number {
    return this.failures > 0 ? 1 : this.#limits.concurrency;
  }

  /** A pause that an earlier process was asked for goes on for `ms`. */
  resume(ms: number, now: number): void {
    this.#opens = Math.max(this.#opens, now + Math.min(ms, MOST_KEPT_MS));
  }

  /** An attempt begins. */
  began(now: number): void {
    this.#slot = now + this.#limits.spacingMs;
  }

  /**
   * An attempt that began at `begun` has ended, the `attempts`th of its message. Returns how long that message has to
   * wait for the next, ms; it means nothing when there is none.
   */
  ended(result: DeliveryResult, attempts: number, { begun, now }: { begun: number; now: number }): number {
    if (result.kind !== 'retry') {
      this.failures = 0;
      return 0;
    }
    // What was under way when it failed belongs to the same failure.
    if (begun >= this.#failedAt) this.failures++;
    this.#failedAt = now;
    const asked = result.afterMs;
    this.isUnkept ||= asked !== undefined;
    const pause = asked === undefined ? this.#chosen(this.failures) : this.#asked(asked);
    this.#opens = Math.max(this.#opens, now + pause);
    const own = asked === undefined ? this.#chosen(attempts) : 0;
    return Math.max(this.#opens - now, own);
  }

  #chosen(failures: number): number {
    return pauseAfter(failures, BACKOFF) * (1 - JITTER + 2 * JITTER * this.#random());
  }

  #asked(ms: number): number {
    return ms + Math.min(ms * ASKED_JITTER.share, ASKED_JITTER.mostMs) * this.#random();
  }
}
