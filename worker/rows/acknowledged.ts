import type { FrameStore } from '../../store/contract.ts';
import type { LiveStore } from './live-store.ts';

export interface AcknowledgedDeps {
  readonly store: FrameStore;
  readonly live: LiveStore;
}

/** Up to where the store is known to have a host's frames in their turn. */
export class Acknowledged {
  readonly #host: string;
  readonly #deps: AcknowledgedDeps;
  /** Start of a frame, epoch ms. */
  #upTo: number;

  /** `upTo`: what is known already; null: nothing. */
  constructor(host: string, upTo: number | null, deps: AcknowledgedDeps) {
    this.#host = host;
    this.#upTo = upTo ?? Number.NEGATIVE_INFINITY;
    this.#deps = deps;
  }

  /** The store has the frame that starts at this time. */
  note(start: number | null): void {
    if (start !== null) this.#upTo = Math.max(start, this.#upTo);
  }

  /**
   * Whether the store has the frame that starts at this time, or a later one: what it lacks before was given up. It is
   * asked when that is not known; null: it does not answer, or only with an error. Never rejects.
   */
  async covers(start: number): Promise<boolean | null> {
    if (this.#upTo >= start) return true;
    const { store, live } = this.#deps;
    try {
      this.note(await live.try(() => store.lastInTurn(this.#host)));
    } catch {
      return null;
    }
    return this.#upTo >= start;
  }
}
