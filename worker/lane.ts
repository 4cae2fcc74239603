import { aborted } from '../core/aborted.ts';
import { describeError } from '../core/errors.ts';
import { laneOf } from '../core/lane.ts';
import type { Frame } from '../core/traffic/frame.ts';
import type { Consumer, Queue } from '../queue/contract.ts';
import type { Hosts, Lease } from '../state/contract.ts';
import type { HostDeps, HostWorker, Progress } from './host.ts';
import { HostList } from './host-list.ts';
import { LaneHosts } from './lane-hosts.ts';
import { LeaseLost } from './retry-under-lease.ts';
import { LiveStore } from './rows/live-store.ts';
import { RowRecovery } from './rows/row-recovery.ts';
import { StoreAway } from './rows/rows.ts';
import { LaneWatch } from './watch/lane-watch.ts';

/** Everything a lane needs besides its lease. */
export type LaneDeps = Omit<HostDeps, 'live' | 'signal' | 'onProgress'> & {
  readonly state: HostDeps['state'] & Hosts;
  readonly queue: Queue;
  /** A host without frames for so long is an incident, ms. */
  readonly silentAfterMs: number;
  /** As in HostWatchDeps. */
  readonly napMs?: number;
};

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
  /** Hosts whose frames wait for history that is not in the store yet. */
  readonly waiting: readonly string[];
  /** Hosts whose incidents are reported while their rows wait for the store. */
  readonly unwritten: number;
  /** Why the store is away as far as this lane is concerned, or null. */
  readonly storeDown: string | null;
  /** From the end of a frame to its incidents being in the state, ms: of the newest one of the host furthest behind. */
  readonly lagMs: number | null;
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
  readonly #live: LiveStore;
  readonly #stored: HostList;
  readonly #hosts: LaneHosts;
  readonly #watch: LaneWatch;
  #watching = false;
  #consumer: Consumer | null = null;
  /** Number of sweeps under way. */
  #sweeps = 0;
  /** Why the last sweep failed, or null: that is a line of the log once, not with each sweep of an outage. */
  #sweepFailure: string | null = null;
  readonly #rows: RowRecovery;
  #chain: Promise<void> = Promise.resolve();
  /** Why the lane cannot go on, or null. */
  failed: string | null = null;

  constructor(lane: number, lease: Lease, deps: LaneDeps) {
    this.lane = lane;
    this.lease = lease;
    this.#deps = deps;
    this.#stored = new HostList(deps);
    this.#live = new LiveStore({ ...deps, signal: this.#abort.signal });
    const owned = { ...deps, live: this.#live, signal: this.#abort.signal };
    this.#hosts = new LaneHosts(lease, owned);
    this.#watch = new LaneWatch(lease, { ...owned, has: host => this.#has(host) });
    this.#rows = new RowRecovery({
      ...owned,
      hosts: () => this.#hosts.all,
      startAgain: worker => this.#serially(() => this.#hosts.startAgain(worker)),
    });
  }

  status(): LaneStatus {
    const hosts = this.#hosts.all;
    const sum = (of: (host: HostWorker) => number) => hosts.reduce((total, host) => total + of(host), 0);
    const lags = hosts.flatMap(({ lagMs }) => lagMs ?? []);
    return {
      hosts: hosts.length,
      ...this.#hosts.counts,
      openIncidents: sum(host => host.openIncidents) + this.#watch.silent,
      forgotten: sum(host => host.forgotten),
      rebuilding: this.#hosts.rebuilding,
      waiting: [...hosts.filter(({ waits }) => waits).map(({ host }) => host), ...this.#hosts.unknown],
      unwritten: hosts.filter(({ unwritten }) => unwritten !== null).length,
      storeDown: this.#sweepFailure ?? hosts.find(({ unwritten }) => unwritten !== null)?.unwritten ?? null,
      lagMs: lags.length === 0 ? null : Math.max(...lags),
    };
  }

  /** Whether a sweep is under way: behind a long rebuilding it takes its time. */
  get isSweeping(): boolean {
    return this.#sweeps > 0;
  }

  start(): void {
    void this.sweep();
    this.#consumer = this.#deps.queue.consume(this.lane, frame => this.#serially(() => this.#take(frame)));
  }

  /** Fold stored frames that no job brought: the queue may lose some, and hosts may have been here before us. */
  async sweep(): Promise<void> {
    this.#sweeps++;
    try {
      for (const host of await this.#stored.names()) {
        if (!this.#has(host)) continue;
        const broken = await this.#serially(() => this.#sweepHost(host));
        if (broken) throw broken.reason;
      }
      this.#sweepFailure = null;
    } catch (error) {
      // A lane that failed says so itself; anything else is tried again by the next sweep.
      if (this.failed !== null) return;
      const level = this.#sweepFailure === null ? 'warn' : 'debug';
      this.#sweepFailure = describeError(error);
      this.#deps.log[level](
        { lane: this.lane, error: this.#sweepFailure },
        'sweep failed, the next one tries again',
      );
    } finally {
      this.#sweeps--;
    }
  }

  /**
   * Look whether the hosts' frames keep coming. Not while others are under way, or while the store is away: then nobody
   * can tell whether it is the host that is silent.
   */
  async watch(): Promise<void> {
    if (this.#watching || this.#sweeps > 0 || this.#sweepFailure !== null || this.failed !== null) return;
    this.#watching = true;
    try {
      await this.#serially(async () => {
        for (const host of await this.#watch.look(this.#hosts.all)) await this.#hosts.letGo(host);
      });
    } catch (error) {
      // A lane that failed says so itself.
      this.#deps.log.debug({ lane: this.lane, error: describeError(error) }, 'hosts were not looked after');
    } finally {
      this.#watching = false;
    }
  }

  /** Whether the next owner could go on at once with all hosts. Never rejects. */
  async canBeHandedOn(): Promise<boolean> {
    for (const host of this.#hosts.all) if (await host.keepsLane()) return false;
    return true;
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
      if (save && this.failed === null && !this.#abort.signal.aborted) {
        const hosts = this.#hosts.all;
        await Promise.all([this.#watch.end(hosts), ...hosts.map(host => host.checkpoint(true))]);
      }
    } catch (error) {
      this.#deps.log.warn({ lane: this.lane, error: describeError(error) }, 'last checkpoint was not saved');
    }
    this.#abort.abort();
    if (this.#rows.underWay) await this.#soon(this.#rows.underWay);
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
    // A sweep tries again.
    if (this.#hosts.unknown.has(frame.host)) return;
    const worker = this.#hosts.get(frame.host) ?? (await this.#hosts.tryOpen(frame.host));
    await worker?.take(frame);
    this.#watch.heard(frame.host);
    if (worker) this.#rows.recover(worker);
  }

  /** Returns why reading the store broke off, or null. */
  async #sweepHost(host: string): Promise<{ reason: unknown } | null> {
    if (await this.#hosts.isGone(host)) return null;
    const known = this.#hosts.get(host);
    const broken = known ? await known.catchUp() : null;
    const worker = known ?? (await this.#hosts.tryOpen(host));
    if (worker) this.#rows.recover(worker);
    return broken;
  }

  #has(host: string): boolean {
    return laneOf(host, this.#deps.queue.lanes) === this.lane;
  }

  /** One after the other. A failed fold leaves a state that must not be used: the lane is given up. */
  #serially<T>(action: () => Promise<T>): Promise<T> {
    const run = this.#chain.then(async () => {
      if (this.failed !== null) throw new LeaseLost(this.failed);
      try {
        return await action();
      } catch (error) {
        // What the chain knows is as it was.
        if (error instanceof StoreAway) throw error;
        this.failed = describeError(error);
        this.#abort.abort();
        throw error;
      }
    });
    this.#chain = run.then(
      () => undefined,
      () => undefined,
    );
    return run;
  }
}
