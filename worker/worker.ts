import type { HostFold } from '../alert/host.ts';
import type { Clock } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import type { Incident } from '../core/incident/incident.ts';
import type { Silence } from '../core/incident/silence.ts';
import { laneName, POLICY_LEASE } from '../core/lane.ts';
import type { Log } from '../core/log.ts';
import type { Receiver } from '../notify/contract.ts';
import type { Queue } from '../queue/contract.ts';
import type { Lease, State } from '../state/contract.ts';
import type { Store } from '../store/contract.ts';
import { Deliverer, type Policy, type Unrecorded } from './deliveries/deliver.ts';
import type { Progress } from './host.ts';
import { type LaneStatus, OwnedLane } from './lane.ts';
import { leaseLost } from './retry-under-lease.ts';

export interface WorkerDeps {
  readonly fold: HostFold;
  readonly store: Store;
  readonly queue: Queue;
  readonly state: State;
  readonly receivers: readonly Receiver[];
  readonly policy: Policy;
  readonly clock: Clock;
  readonly log: Log;
  /** Unique among all workers that share the state, new for every process. */
  readonly owner: string;
  readonly leaseMs: number;
  readonly checkpointMs: number;
  /** A host without frames for so long is an incident, ms. */
  readonly silentAfterMs: number;
  readonly onIncident?: (incident: Incident) => void;
  /** As in DeliverDeps. */
  readonly windows?: (now: number) => readonly Silence[];
}

export interface WorkerStatus {
  readonly lanes: number;
  readonly hosts: number;
  /** Folded since the start. */
  readonly frames: number;
  /** Frames on which a detector failed, and rows that the store refused for good. */
  readonly failedFrames: number;
  readonly refusedRows: number;
  /** Incidents of the owned lanes that are firing. */
  readonly openIncidents: number;
  /** As in LaneStatus, of the owned lanes. */
  readonly forgotten: number;
  /** Of a host whose stored history is being folded before it can be watched, or null. */
  readonly rebuilding: Progress | null;
  /** As in LaneStatus, of the owned lanes. */
  readonly waitingHosts: readonly string[];
  readonly unwritten: number;
  readonly storeDown: string | null;
  /** As in LaneStatus, of the lane that is furthest behind. */
  readonly lagMs: number | null;
  readonly policy: boolean;
  /** Attempts at deliveries since the start, by outcome: accepted, to be tried again, given up. */
  readonly delivered: number;
  readonly failed: number;
  readonly dead: number;
  /** Silences in force and deliveries that they hold, while this process owns the policy lane; null while it does not. */
  readonly silences: { readonly active: number; readonly held: number } | null;
  /** Deliveries of this process that failed and wait for their next attempt, and why the last of them failed. */
  readonly waiting: number;
  readonly waitingError: string | null;
  /** Why the state cannot be reached, or null. */
  readonly stateDown: string | null;
  /** Why lanes could not be given back at the end, so that they are free only when their leases expire; or null. */
  readonly unreleased: string | null;
}

/** Shortest time without a look at the hosts that is one, ms; they are looked at twice in a lease. */
const LEAST_NAP_MS = 15_000;
/** Sweep every so many renewals. */
const SWEEP_EVERY = 2;
/** Resolved incidents, finished deliveries and checkpoints are kept for this long. */
const KEEP_MS = 30 * 86_400_000;
const PRUNE_EVERY_MS = 3_600_000;

/**
 * Owns its share of the lanes by lease and folds their frames; delivers while it owns the policy lane. The lease is
 * renewed four times in its length; a renewal that fails or comes too late gives the lane up. Workers know of each other
 * by announcement: who owns more than its share hands lanes on, one by one with what it knows, to those who own less.
 */
export class Worker {
  readonly #deps: WorkerDeps;
  readonly #lanes = new Map<number, OwnedLane>();
  /** Those of them that are being given up. */
  readonly #leaving = new Map<number, Promise<void>>();
  readonly #abort = new AbortController();
  #policy: { lease: Lease; deliverer: Deliverer } | null = null;
  /** Outlives deliverers: the policy lane may be lost, and come back, while an outcome cannot be recorded. */
  readonly #unrecorded: Unrecorded = new Map();
  #loop: Promise<void> = Promise.resolve();
  #stateDown: string | null = null;
  #unreleased: string | null = null;
  /** Of lanes and deliverers that are gone. */
  readonly #past = { frames: 0, failedFrames: 0, refusedRows: 0, delivered: 0, failed: 0, dead: 0 };
  #pruned = Number.NEGATIVE_INFINITY;

  private constructor(deps: WorkerDeps) {
    this.#deps = deps;
  }

  /** Start working. All workers that share the state have queues with the same number of lanes. */
  static start(deps: WorkerDeps): Worker {
    const worker = new Worker(deps);
    worker.#loop = worker.#run();
    return worker;
  }

  status(): WorkerStatus {
    const lanes = [...this.#lanes.values()].map(lane => lane.status());
    const sum = (of: (lane: LaneStatus) => number) => lanes.reduce((total, lane) => total + of(lane), 0);
    const lags = lanes.flatMap(({ lagMs }) => lagMs ?? []);
    const deliverer = this.#policy?.deliverer;
    return {
      lanes: lanes.length,
      hosts: sum(lane => lane.hosts),
      frames: this.#past.frames + sum(lane => lane.frames),
      failedFrames: this.#past.failedFrames + sum(lane => lane.failedFrames),
      refusedRows: this.#past.refusedRows + sum(lane => lane.refusedRows),
      openIncidents: sum(lane => lane.openIncidents),
      forgotten: sum(lane => lane.forgotten),
      rebuilding: lanes.find(lane => lane.rebuilding)?.rebuilding ?? null,
      waitingHosts: lanes.flatMap(({ waiting }) => waiting),
      unwritten: sum(lane => lane.unwritten),
      storeDown: lanes.find(({ storeDown }) => storeDown !== null)?.storeDown ?? null,
      lagMs: lags.length === 0 ? null : Math.max(...lags),
      policy: deliverer !== undefined,
      delivered: this.#past.delivered + (deliverer?.delivered ?? 0),
      failed: this.#past.failed + (deliverer?.failed ?? 0),
      dead: this.#past.dead + (deliverer?.dead ?? 0),
      silences: deliverer?.silences ?? null,
      waiting: deliverer?.waiting ?? 0,
      waitingError: deliverer?.waitingError ?? null,
      stateDown: this.#stateDown,
      unreleased: this.#unreleased,
    };
  }

  /** Fold everything that is stored now, then save checkpoints and give the lanes back. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
    await Promise.all([...this.#lanes.keys()].map(lane => this.#giveUp(lane, true)));
    await this.#endPolicy(true);
    await this.#quietly('membership', () => this.#deps.state.leave(this.#deps.owner));
  }

  async #run(): Promise<void> {
    const { clock, leaseMs, log } = this.#deps;
    for (let round = 0; !this.#abort.signal.aborted; round++) {
      try {
        await this.#tend(round % SWEEP_EVERY === 0);
        await this.#prune();
        this.#stateDown = null;
      } catch (error) {
        if (this.#stateDown === null)
          log.warn({ error: describeError(error) }, 'the state cannot be reached, trying again');
        this.#stateDown = describeError(error);
      }
      await clock.sleep(leaseMs / 4, this.#abort.signal);
    }
  }

  async #tend(sweep: boolean): Promise<void> {
    const { state, queue, owner, leaseMs } = this.#deps;
    const share = shareOf(queue.lanes, await state.announce(owner, leaseMs), owner);
    const { lost, policyLost } = await this.#renew();
    for (const owned of this.#lanes.values()) {
      // A lane that is being given back keeps its lease until it has saved what it knows.
      if (this.#leaving.has(owned.lane)) continue;
      if (!lost.has(owned.lane)) {
        // Also after a sweep: one that takes its time would leave no moment in between.
        if (sweep && !owned.isSweeping) void owned.sweep().then(() => owned.watch());
        else void owned.watch();
        continue;
      }
      const reason = owned.failed ?? leaseLost(owned.lease.name).message;
      this.#deps.log.warn({ lane: owned.lane, reason }, 'lane given up');
      void this.#giveUp(owned.lane, false);
    }
    await this.#share(share);
    await this.#tendPolicy(policyLost);
  }

  /** Renew all leases in one write: nobody contests most of them, and each write costs the same. */
  async #renew(): Promise<{ lost: Set<number>; policyLost: boolean }> {
    const { state, leaseMs } = this.#deps;
    const lanes = [...this.#lanes.values()].filter(owned => owned.failed === null);
    const policy = this.#policy && !this.#policy.deliverer.lost ? this.#policy : null;
    const leases = [...lanes, ...(policy ? [policy] : [])].map(({ lease }) => lease);
    const held = await state.renewAll(leases, leaseMs);
    const kept = new Set(lanes.filter((_, i) => held[i]).map(({ lane }) => lane));
    return {
      lost: new Set([...this.#lanes.keys()].filter(lane => !kept.has(lane))),
      policyLost: this.#policy !== null && !(policy && held[lanes.length]),
    };
  }

  /** Hand on what is more than the share of this worker, or take what is free. */
  async #share(share: number): Promise<void> {
    const { queue } = this.#deps;
    const kept = [...this.#lanes.keys()].filter(lane => !this.#leaving.has(lane));
    for (const lane of kept.splice(share)) void this.#handOn(lane);
    for (let lane = 0; lane < queue.lanes && this.#lanes.size < share; lane++) {
      if (this.#abort.signal.aborted) return;
      if (!this.#lanes.has(lane)) await this.#tryTake(lane);
    }
  }

  /** Never awaited by the loop: the store may be long in answering. */
  async #handOn(lane: number): Promise<void> {
    const owned = this.#lanes.get(lane);
    if (!(await owned?.canBeHandedOn())) return;
    // It may have been lost meanwhile, or handed on by an earlier round.
    if (this.#lanes.get(lane) !== owned || this.#leaving.has(lane)) return;
    this.#deps.log.info({ lane }, 'lane handed on to another worker');
    void this.#giveUp(lane, true);
  }

  async #tryTake(lane: number): Promise<void> {
    const lease = await this.#deps.state.acquire(laneName(lane), this.#deps.owner, this.#deps.leaseMs);
    if (!lease) return;
    const owned = new OwnedLane(lane, lease, {
      ...this.#deps,
      napMs: Math.max(LEAST_NAP_MS, this.#deps.leaseMs),
    });
    this.#lanes.set(lane, owned);
    owned.start();
    this.#deps.log.debug({ lane, token: lease.token }, 'lane taken');
  }

  /** Never awaited by the loop: what one lane waits for must not cost the others their leases. */
  #giveUp(lane: number, save: boolean): Promise<void> {
    const leaving = this.#leaving.get(lane) ?? this.#end(lane, save);
    this.#leaving.set(lane, leaving);
    return leaving;
  }

  async #end(lane: number, save: boolean): Promise<void> {
    const owned = this.#lanes.get(lane);
    if (!owned) return;
    await owned.stop(save);
    await this.#quietly(owned.lease.name, () => this.#deps.state.release(owned.lease));
    // In one step with its end: whoever looks in between must not see its counts twice.
    const { frames, failedFrames, refusedRows } = owned.status();
    this.#past.frames += frames;
    this.#past.failedFrames += failedFrames;
    this.#past.refusedRows += refusedRows;
    this.#lanes.delete(lane);
    this.#leaving.delete(lane);
  }

  async #tendPolicy(lost: boolean): Promise<void> {
    const { state, leaseMs } = this.#deps;
    if (lost) await this.#endPolicy(false);
    if (this.#policy || this.#abort.signal.aborted) return;
    const lease = await state.acquire(POLICY_LEASE, this.#deps.owner, leaseMs);
    if (!lease) return;
    const deliverer = new Deliverer(lease, { ...this.#deps, unrecorded: this.#unrecorded });
    this.#policy = { lease, deliverer };
    deliverer.start();
  }

  async #endPolicy(release: boolean): Promise<void> {
    const policy = this.#policy;
    if (!policy) return;
    await policy.deliverer.stop();
    // In one step, as above: its counts are never missing.
    this.#policy = null;
    this.#past.delivered += policy.deliverer.delivered;
    this.#past.failed += policy.deliverer.failed;
    this.#past.dead += policy.deliverer.dead;
    if (release) await this.#quietly(POLICY_LEASE, () => this.#deps.state.release(policy.lease));
  }

  /** What cannot be given back expires by itself. */
  async #quietly(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#unreleased = describeError(error);
      this.#deps.log.debug({ what, error: describeError(error) }, 'not released, it will expire');
    }
  }

  async #prune(): Promise<void> {
    const { clock, state } = this.#deps;
    if (!this.#policy || clock.monotonic() - this.#pruned < PRUNE_EVERY_MS) return;
    await state.prune(clock.now(), clock.now() - KEEP_MS);
    this.#pruned = clock.monotonic();
  }
}

/** How many of the lanes a worker is to own: all shares add up to all lanes and differ by one at most. */
export function shareOf(lanes: number, members: readonly string[], owner: string): number {
  const rest = members.indexOf(owner) < lanes % members.length ? 1 : 0;
  return Math.floor(lanes / members.length) + rest;
}
