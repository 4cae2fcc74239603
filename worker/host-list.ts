import type { Clock } from '../core/clock.ts';
import { compareText } from '../core/compare.ts';
import type { FrameStore } from '../store/contract.ts';

/** All hosts are listed this often, ms; in between only those with frames of the last hour are looked for. */
const ALL_EVERY_MS = 600_000;
const RECENT_MS = 3_600_000;
/** Those who ask within a minute ask the same: a store may answer them together. */
const ROUND_MS = 60_000;

/**
 * The hosts with stored frames, for who asks again and again: what there was long ago is not read each time. A host whose
 * frames are older than an hour when they are stored is listed up to ten minutes later.
 */
export class HostList {
  readonly #store: Pick<FrameStore, 'hosts'>;
  readonly #clock: Clock;
  #names = new Set<string>();
  /** When all were listed, monotonic. */
  #listed = Number.NEGATIVE_INFINITY;

  constructor({ store, clock }: { readonly store: Pick<FrameStore, 'hosts'>; readonly clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** All of them, sorted. Rejects as the store does. */
  async names(): Promise<string[]> {
    const asked = this.#clock.monotonic();
    if (asked - this.#listed >= ALL_EVERY_MS) {
      this.#names = new Set(await this.#store.hosts());
      this.#listed = asked;
    } else {
      const since = this.#clock.now() - RECENT_MS;
      for (const host of await this.#store.hosts(since - (since % ROUND_MS))) this.#names.add(host);
    }
    return [...this.#names].sort(compareText);
  }
}
