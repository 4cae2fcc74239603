import type { Lease } from '../../state/contract.ts';
import type { HostWorker } from '../host.ts';
import { HostWatch, type HostWatchDeps, type Newest } from './host-watch.ts';

/** Watches over all hosts of a lane, from the first time that they are looked at. */
export class LaneWatch {
  readonly #lease: Lease;
  readonly #deps: HostWatchDeps;
  readonly #watches = new Map<string, HostWatch>();

  constructor(lease: Lease, deps: HostWatchDeps) {
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

  /** Look after each of these hosts; one of which no frame is known has nothing to miss. Throws LeaseLost. */
  async look(hosts: readonly HostWorker[]): Promise<void> {
    for (const worker of hosts) {
      const newest = await this.#newestOf(worker);
      if (newest === null) continue;
      const watch = this.#watches.get(worker.host) ?? (await this.#start(worker.host, newest));
      await watch.look(newest);
    }
  }

  async #start(host: string, newest: Newest): Promise<HostWatch> {
    const watch = await HostWatch.start(host, this.#lease, newest, this.#deps);
    this.#watches.set(host, watch);
    return watch;
  }

  /** After a start from a checkpoint that nothing follows, the store has the frame. */
  async #newestOf(worker: HostWorker): Promise<Newest | null> {
    if (worker.newest === null && worker.last !== null) {
      const { store, live } = this.#deps;
      const { host, last } = worker;
      worker.newest = await live
        .try(async () => {
          for await (const frame of store.readFrames(host, { from: last, to: last + 1 })) return frame;
          return null;
        })
        .catch(() => null);
    }
    return worker.newest;
  }
}
