import { isRetriable } from '../../core/retry.ts';
import type { Hosts, Incidents, LastSeen, Lease } from '../../state/contract.ts';
import type { HostWorker } from '../host.ts';
import { leaseLost, retryUnderLease } from '../retry-under-lease.ts';
import { HostWatch, type HostWatchDeps, type Newest, newestOf } from './host-watch.ts';

export interface LaneWatchDeps extends HostWatchDeps {
  readonly state: Incidents & Hosts;
  /** Whether the lane has this host. */
  readonly has: (host: string) => boolean;
}

/** While frames come, the newest one is recorded this often, ms. */
const RECORD_EVERY_MS = 600_000;

/**
 * Watches over all hosts of a lane, from the first time that they are looked at. When they were last seen is recorded in
 * the state: a host is missed also when its last frames are deleted, or it went silent while nobody looked.
 */
export class LaneWatch {
  readonly #lease: Lease;
  readonly #deps: LaneWatchDeps;
  readonly #watches = new Map<string, HostWatch>();
  /** As recorded, by host; null: not read yet. */
  #recorded: Map<string, LastSeen> | null = null;

  constructor(lease: Lease, deps: LaneWatchDeps) {
    this.#lease = lease;
    this.#deps = deps;
  }

  /** Hosts whose frames have stopped coming. */
  get silent(): number {
    return [...this.#watches.values()].filter(watch => watch.isSilent).length;
  }

  /** A frame of the queue came. */
  heard(host: string): void {
    this.#watches.get(host)?.heard();
  }

  /**
   * Look after these hosts and those that were seen before; one of which no frame is known has nothing to miss. Returns
   * those that are not expected any more. Throws LeaseLost.
   */
  async look(workers: readonly HostWorker[]): Promise<string[]> {
    const over: string[] = [];
    for (const [host, newest] of await this.#newest(workers)) {
      const watch = this.#watches.get(host) ?? (await this.#start(host, newest));
      await watch.look(newest);
      await this.#record(host, newest, watch.isSilent ? 0 : RECORD_EVERY_MS);
      if (!watch.isOver) continue;
      this.#watches.delete(host);
      this.#recorded?.delete(host);
      over.push(host);
    }
    return over;
  }

  /** Record when these hosts were last seen, for who looks after them next. Throws LeaseLost. */
  async end(workers: readonly HostWorker[]): Promise<void> {
    for (const { host, newest } of workers) if (newest) await this.#record(host, newest, 0);
  }

  async #start(host: string, newest: Newest): Promise<HostWatch> {
    const watch = await HostWatch.start(host, this.#lease, newest, this.#deps);
    this.#watches.set(host, watch);
    return watch;
  }

  /** The newest known frames, by host; without those of which the store cannot be asked. */
  async #newest(workers: readonly HostWorker[]): Promise<Map<string, Newest>> {
    this.#recorded ??= await this.#read();
    const newest = new Map<string, Newest>(this.#recorded);
    for (const worker of workers) {
      try {
        worker.newest ??= await this.#stored(worker);
        if (worker.newest) newest.set(worker.host, worker.newest);
      } catch (error) {
        if (isRetriable(error)) newest.delete(worker.host);
      }
    }
    return newest;
  }

  async #read(): Promise<Map<string, LastSeen>> {
    const all = await retryUnderLease(this.#deps, () => this.#deps.state.lastSeen());
    return new Map(all.filter(({ host }) => this.#deps.has(host)).map(seen => [seen.host, seen]));
  }

  /** After a start from a checkpoint that nothing follows, the store has the frame, unless it is deleted. */
  async #stored({ host, last }: HostWorker): Promise<Newest | null> {
    if (last === null) return null;
    const { store, live } = this.#deps;
    return live.try(async () => {
      for await (const frame of store.readFrames(host, { from: last, to: last + 1 })) return newestOf(frame);
      return null;
    });
  }

  /** Unless a frame is recorded that is at most `age` older, ms, or newer. An orderly stop always is recorded. */
  async #record(host: string, newest: Newest, age: number): Promise<void> {
    const { state } = this.#deps;
    const { start, durationMs, stopped } = newest;
    const aheadMs = start - (this.#recorded?.get(host)?.start ?? Number.NEGATIVE_INFINITY);
    if (aheadMs <= 0 || (aheadMs <= age && !stopped)) return;
    const seen = { host, start, durationMs, stopped };
    if (!(await retryUnderLease(this.#deps, () => state.saveLastSeen(this.#lease, seen))))
      throw leaseLost(this.#lease.name);
    this.#recorded?.set(host, seen);
  }
}
