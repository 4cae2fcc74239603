import type { Clock } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { bucketStart, TIERS } from '../core/traffic/rollup.ts';
import type { Lease, Leases } from '../state/contract.ts';
import type { FrameStore, StoreAdmin, TrafficStore } from '../store/contract.ts';
import { HostList } from './host-list.ts';

export interface MaintenanceDeps {
  readonly store: FrameStore & TrafficStore & StoreAdmin;
  readonly state: Leases;
  readonly clock: Clock;
  readonly log: Log;
  /** Unique among all processes that share the state. */
  readonly owner: string;
  /** How long windows are kept, ms; older ones are ignored. */
  readonly rawMs: number;
}

export interface MaintenanceStatus {
  /** Whether this process is the one that does it. */
  readonly owned: boolean;
  /** Buckets of tiers written, and rows deleted because of their age, since the start. */
  readonly buckets: number;
  readonly expired: number;
  /** Why the last round failed, or null. */
  readonly failing: string | null;
}

const COARSEST_MS = Math.max(...TIERS.map(({ stepMs }) => stepMs));

/** Stored, and shared with other versions: not to be renamed. */
const LEASE = 'upkeep';
const EVERY_MS = 60_000;
/** A process that is silent for this long loses the task to another. */
const LEASE_MS = 3 * EVERY_MS;
/** A bucket is made when its end is this long ago: its last frames are read out and stored by then. */
const SETTLE_MS = 15_000;
/** How far back each round looks, and how often one looks at all that is stored and deletes what is too old. */
const RECENT_MS = 2 * 3_600_000;
const THOROUGH_EVERY_MS = 3_600_000;
/** Longest that an orderly stop waits for what is under way: it can be repeated. */
const STOP_MS = 1000;

/**
 * Keeps the tiers up to date and deletes what is too old, in one process of all that share the state. Frames that were
 * stored late, after an outage, are found by their number: a bucket that lacks some is made anew. A host's frames come
 * in order, so that each round looks at all that is newer than what had come by the one before, however old it is.
 */
export class Maintenance {
  readonly #deps: MaintenanceDeps;
  readonly #abort = new AbortController();
  readonly #hosts: HostList;
  #loop: Promise<void> = Promise.resolve();
  #lease: Lease | null = null;
  #thorough = Number.NEGATIVE_INFINITY;
  /** By host, start of the newest frame that had come in its turn when it was last looked at; null: none had. */
  #seen = new Map<string, number | null>();
  #buckets = 0;
  #expired = 0;
  #failing: string | null = null;

  constructor(deps: MaintenanceDeps) {
    this.#deps = deps;
    this.#hosts = new HostList(deps);
  }

  start(): void {
    this.#loop = this.#run();
  }

  status(): MaintenanceStatus {
    return {
      owned: this.#lease !== null,
      buckets: this.#buckets,
      expired: this.#expired,
      failing: this.#failing,
    };
  }

  /** What is under way may go on for a moment after this; closing the store ends it. */
  async stop(): Promise<void> {
    this.#abort.abort();
    const waited = new AbortController();
    await Promise.race([this.#loop, this.#deps.clock.sleep(STOP_MS, waited.signal)]);
    waited.abort();
    const lease = this.#lease;
    this.#lease = null;
    if (!lease) return;
    await this.#deps.state.release(lease).catch((error: unknown) => {
      this.#deps.log.debug({ error: describeError(error) }, 'maintenance lease not released, it will expire');
    });
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#deps;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.#round();
        this.#failing = null;
      } catch (error) {
        if (this.#failing === null && !signal.aborted) {
          log.warn(
            { error: describeError(error) },
            'maintenance of tiers and retention failed, trying again',
          );
        }
        this.#failing = describeError(error);
      }
      await clock.sleep(EVERY_MS, signal);
    }
  }

  async #round(): Promise<void> {
    const { clock, store } = this.#deps;
    const started = clock.monotonic();
    const thorough = started - this.#thorough >= THOROUGH_EVERY_MS;
    const seen = new Map<string, number | null>();
    for (const host of (await this.#hold()) ? await this.#hosts.names() : []) {
      if (this.#abort.signal.aborted || !(await this.#hold())) return;
      seen.set(host, await store.lastInTurn(host));
      await this.#rollUp(host, thorough ? null : (this.#seen.get(host) ?? null));
    }
    this.#seen = seen;
    if (!thorough || !this.#lease) return;
    this.#expired += await store.expire(clock.now());
    this.#thorough = started;
  }

  /** `seen`: what is older has been looked at, but for the last two hours; null: nothing has. */
  async #rollUp(host: string, seen: number | null): Promise<void> {
    const { clock, store, rawMs } = this.#deps;
    const now = clock.now();
    const first = await store.firstFrame(host);
    if (first === null) return;
    const from = Math.max(first, now - rawMs, Math.min(seen ?? first, now - RECENT_MS));
    // Whole buckets of every tier: the first ones begin before the first frame.
    const range = { from: bucketStart(from, COARSEST_MS), to: now - SETTLE_MS };
    if (range.from < range.to) this.#buckets += await store.rollUp(host, range);
  }

  /** Take or keep the lease. */
  async #hold(): Promise<boolean> {
    const { state, owner } = this.#deps;
    if (this.#lease && (await state.renew(this.#lease, LEASE_MS))) return true;
    this.#lease = await state.acquire(LEASE, owner, LEASE_MS);
    return this.#lease !== null;
  }
}
