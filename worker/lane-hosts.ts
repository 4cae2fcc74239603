import type { Lease } from '../state/contract.ts';
import { type HostDeps, HostWorker, type Progress } from './host.ts';
import { StoreAway } from './rows/rows.ts';

/** What the workers of a lane have done since it was taken. */
interface Counts {
  readonly frames: number;
  readonly failedFrames: number;
  readonly refusedRows: number;
}

/** The workers of a lane's hosts: started when a host is met, let go of when it is not expected any more. */
export class LaneHosts {
  readonly #lease: Lease;
  readonly #deps: Omit<HostDeps, 'onProgress'>;
  readonly #workers = new Map<string, HostWorker>();
  /** Start of the last frame of hosts that are not expected any more, whose workers are let go of. */
  readonly #gone = new Map<string, number>();
  #past: Counts = { frames: 0, failedFrames: 0, refusedRows: 0 };
  /** Hosts of which nothing is known while the store is away. */
  readonly unknown = new Set<string>();
  /** Of the host whose stored history is being folded, or null. */
  rebuilding: Progress | null = null;

  constructor(lease: Lease, deps: Omit<HostDeps, 'onProgress'>) {
    this.#lease = lease;
    this.#deps = deps;
  }

  get all(): HostWorker[] {
    return [...this.#workers.values()];
  }

  /** Also of workers that were let go of. */
  get counts(): Counts {
    return this.all.reduce(added, this.#past);
  }

  get(host: string): HostWorker | undefined {
    return this.#workers.get(host);
  }

  /** Start the host's worker. Null while nothing can be known of the host; its frames are read from the store later. */
  async tryOpen(host: string): Promise<HostWorker | null> {
    try {
      return await this.#open(host);
    } catch (error) {
      if (!(error instanceof StoreAway)) throw error;
      this.unknown.add(host);
      this.#deps.log.warn(
        { host, error: error.message },
        'detection waits for the store: nothing is known of this host',
      );
      return null;
    }
  }

  async #open(host: string): Promise<HostWorker> {
    try {
      const worker = await HostWorker.start(host, this.#lease, this.#hostDeps());
      this.#workers.set(host, worker);
      this.unknown.delete(host);
      this.#gone.delete(host);
      return worker;
    } finally {
      this.rebuilding = null;
    }
  }

  /** Throws StoreAway, which is no failure of the lane, when the store is away again. */
  async startAgain(worker: HostWorker): Promise<void> {
    if (!(await worker.isAcknowledged())) return;
    try {
      const next = await HostWorker.startAgain(worker, this.#lease, this.#hostDeps());
      this.#workers.set(worker.host, next);
      this.#deps.log.info(
        { host: worker.host },
        'the store is back: the rows that waited for it are written',
      );
    } finally {
      this.rebuilding = null;
    }
  }

  /** Take up no memory for a host that is not expected any more, unless something of it is still to be written. */
  async letGo(host: string): Promise<void> {
    const worker = this.#workers.get(host);
    if (!worker || worker.last === null || worker.waits || worker.unwritten !== null) return;
    if (!(await worker.isAcknowledged())) return;
    await worker.checkpoint(true);
    this.#past = added(this.#past, worker);
    this.#workers.delete(host);
    this.#gone.set(host, worker.last);
  }

  /** Whether a host was let go of and the store has no frame of it since; also while the store cannot be asked. */
  async isGone(host: string): Promise<boolean> {
    const last = this.#gone.get(host);
    if (last === undefined) return false;
    const { live, store } = this.#deps;
    const newest = await live.try(() => store.lastInTurn(host)).catch(() => null);
    return newest === null || newest <= last;
  }

  #hostDeps(): HostDeps {
    return {
      ...this.#deps,
      onProgress: progress => {
        this.rebuilding = progress;
      },
    };
  }
}

const added = (a: Counts, b: Counts): Counts => ({
  frames: a.frames + b.frames,
  failedFrames: a.failedFrames + b.failedFrames,
  refusedRows: a.refusedRows + b.refusedRows,
});
