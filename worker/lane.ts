import { aborted } from '../core/aborted.ts';
import { describeError } from '../core/errors.ts';
import { laneOf } from '../core/lane.ts';
import type { Frame } from '../core/traffic/frame.ts';
import type { Consumer, Queue } from '../queue/contract.ts';
import type { Lease } from '../state/contract.ts';
import { type HostDeps, HostWorker, type Progress } from './host.ts';
import { LeaseLost } from './retry-under-lease.ts';

/** Everything a lane needs besides its lease. */
export type LaneDeps = Omit<HostDeps, 'signal' | 'onProgress'> & { readonly queue: Queue };

/** What a lane has done since it was taken, and how it stands. */
export interface LaneStatus {
  readonly hosts: number;
  /** Folded. */
  readonly frames: number;
  /** Frames on which a detector failed. */
  readonly failedFrames: number;
  /** Rows that the store refused for good. */
  readonly refusedRows: number;
  /** Incidents that are firing. */
  readonly openIncidents: number;
  /** Subjects that detectors had to forget because there were too many, since the fold began. */
  readonly forgotten: number;
  /** Of the host whose stored history is being folded, or null. */
  readonly rebuilding: Progress | null;
  /** From the end of a frame to its outputs being stored, ms: of the newest frame of the host that is furthest behind. */
  readonly lagMs: number | null;
  /** Why stored frames could not be looked for, or null. */
  readonly storeDown: string | null;
}

/** Longest time that an orderly stop waits for the store and the state. */
const STOP_MS = 1500;

/** What is under way when that time is over gets this long to notice. */
const GRACE_MS = 200;

/**
 * A lane while this process owns it: the queue's frames and the sweep go through one chain, so that a host is
 * folded by one thing at a time. A lane that fails in any way is given up as a whole; the next owner starts from
 * the checkpoint.
 */
export class OwnedLane {
  readonly lane: number;
  readonly lease: Lease;
  readonly #deps: LaneDeps;
  readonly #abort = new AbortController();
  readonly #hosts = new Map<string, HostWorker>();
  #consumer: Consumer | null = null;
  #rebuilding: Progress | null = null;
  /** Why the last sweep failed, or null. */
  #sweepError: string | null = null;
  #chain: Promise<void> = Promise.resolve();
  /** Why the lane cannot go on, or null. */
  failed: string | null = null;

  constructor(lane: number, lease: Lease, deps: LaneDeps) {
    this.lane = lane;
    this.lease = lease;
    this.#deps = deps;
  }

  status(): LaneStatus {
    const hosts = [...this.#hosts.values()];
    const sum = (of: (host: HostWorker) => number) => hosts.reduce((total, host) => total + of(host), 0);
    const lags = hosts.flatMap(({ lagMs }) => lagMs ?? []);
    return {
      hosts: hosts.length,
      frames: sum(host => host.frames),
      failedFrames: sum(host => host.failedFrames),
      refusedRows: sum(host => host.refusedRows),
      openIncidents: sum(host => host.openIncidents),
      forgotten: sum(host => host.forgotten),
      rebuilding: this.#rebuilding,
      lagMs: lags.length === 0 ? null : Math.max(...lags),
      storeDown: this.#sweepError,
    };
  }

  start(): void {
    void this.sweep();
    this.#consumer = this.#deps.queue.consume(this.lane, frame => this.#serially(() => this.#take(frame)));
  }

  /** Fold stored frames that no job brought: the queue may lose some, and hosts may have been here before us. */
  async sweep(): Promise<void> {
    try {
      for (const host of await this.#deps.store.hosts()) {
        if (laneOf(host, this.#deps.queue.lanes) === this.lane)
          await this.#serially(() => this.#sweepHost(host));
      }
      this.#sweepError = null;
    } catch (error) {
      // A lane that failed says so itself; anything else is tried again by the next sweep.
      if (this.failed !== null) return;
      // An outage is a line of the log once, not with each sweep.
      const level = this.#sweepError === null ? 'warn' : 'debug';
      this.#sweepError = describeError(error);
      this.#deps.log[level](
        { lane: this.lane, error: this.#sweepError },
        'sweep failed, the next one tries again',
      );
    }
  }

  /**
   * Stop folding. `save` folds everything that is stored now and writes checkpoints, for at most STOP_MS: a store that
   * is away must not keep the process alive, and what is not saved is folded again by the next owner.
   */
  async stop(save: boolean): Promise<void> {
    if (save) {
      void this.#deps.clock.sleep(STOP_MS, this.#abort.signal).then(() => this.#abort.abort());
      await this.#soon(this.sweep());
    } else this.#abort.abort();
    await this.#soon(this.#settled());
    try {
      // After a failed fold a state may know more than was written.
      if (save && this.failed === null && !this.#abort.signal.aborted)
        for (const host of this.#hosts.values()) await host.checkpoint(true);
    } catch (error) {
      this.#deps.log.warn({ lane: this.lane, error: describeError(error) }, 'last checkpoint was not saved');
    }
    this.#abort.abort();
  }

  /** No frame comes any more, and nothing is being folded. */
  async #settled(): Promise<void> {
    await this.#consumer?.stop();
    await this.#chain;
  }

  /** Waits no longer than a moment after the abort: a request to a store that does not answer cannot be cut short. */
  async #soon(action: Promise<void>): Promise<void> {
    const done = new AbortController();
    const late = aborted(this.#abort.signal).then(() => this.#deps.clock.sleep(GRACE_MS, done.signal));
    await Promise.race([action, late]);
    done.abort();
  }

  async #take(frame: Frame): Promise<void> {
    const worker = this.#hosts.get(frame.host) ?? (await this.#open(frame.host));
    await worker.take(frame);
  }

  async #open(host: string): Promise<HostWorker> {
    try {
      const worker = await HostWorker.start(host, this.lease, {
        ...this.#deps,
        signal: this.#abort.signal,
        onProgress: progress => {
          this.#rebuilding = progress;
        },
      });
      this.#hosts.set(host, worker);
      return worker;
    } finally {
      this.#rebuilding = null;
    }
  }

  async #sweepHost(host: string): Promise<void> {
    const worker = this.#hosts.get(host);
    if (!worker) await this.#open(host);
    else await worker.catchUp();
  }

  /** One after the other. A failed fold leaves a state that must not be used: the lane is given up. */
  #serially(action: () => Promise<void>): Promise<void> {
    const run = this.#chain.then(async () => {
      if (this.failed !== null) throw new LeaseLost(this.failed);
      try {
        await action();
      } catch (error) {
        this.failed = describeError(error);
        this.#abort.abort();
        throw error;
      }
    });
    this.#chain = run.catch(() => undefined);
    return run;
  }
}
