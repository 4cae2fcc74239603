import type { Clock } from '../../core/clock.ts';
import { isRetriable } from '../../core/retry.ts';
import type { FrameStore } from '../../store/contract.ts';
import { within } from '../within.ts';

export interface LiveStoreDeps {
  readonly store: Pick<FrameStore, 'hosts'>;
  readonly clock: Clock;
  /** Aborted when the lane is given up. */
  readonly signal: AbortSignal;
}

/** Longest wait for an answer, ms. */
const LIMIT_MS = 2000;
/** Pause before a store that is away is tried again, ms. */
const PROBE_MS = 2000;

/**
 * The store for what holds up the frames of a lane: alarms must not wait for it. Once it is away, that is the answer to
 * all hosts, without a wait for each of them, until it answers again in the background.
 */
export class LiveStore {
  readonly #deps: LiveStoreDeps;
  /** Why the store is away, or null. */
  #away: { readonly error: unknown } | null = null;

  constructor(deps: LiveStoreDeps) {
    this.#deps = deps;
  }

  /** What `action` gives; rejects when it fails, takes longer than 2 s, or the store is known to be away. */
  async try<T>(action: () => Promise<T>): Promise<T> {
    if (this.#away) throw this.#away.error;
    try {
      return await within(LIMIT_MS, action, this.#deps.clock);
    } catch (error) {
      if (isRetriable(error)) this.#leave(error);
      throw error;
    }
  }

  #leave(error: unknown): void {
    if (this.#away) return;
    this.#away = { error };
    void this.#waitForAnswer();
  }

  async #waitForAnswer(): Promise<void> {
    const { store, clock, signal } = this.#deps;
    while (this.#away) {
      await clock.sleep(PROBE_MS, signal);
      if (signal.aborted) return;
      await within(LIMIT_MS, () => store.hosts(clock.now()), clock).then(
        () => {
          this.#away = null;
        },
        () => undefined,
      );
    }
  }
}
