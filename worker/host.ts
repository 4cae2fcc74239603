import { type HostFold, stepOver } from '../alert/host.ts';
import type { HostState } from '../alert/host-state.ts';
import { type Clock, isoTime } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import type { Incident, Notification } from '../core/incident/incident.ts';
import type { Log } from '../core/log.ts';
import { type Frame, frameEnd } from '../core/traffic/frame.ts';
import type { Checkpoint, Checkpoints, Deliveries, Incidents, Lease, Marks } from '../state/contract.ts';
import type { FrameStore, IncidentStore } from '../store/contract.ts';
import { HeardMarks } from './marks.ts';
import { closingOrphans } from './orphaned-incidents.ts';
import { type Handled, handledBefore } from './recovery.ts';
import { leaseLost, retryUnderLease } from './retry-under-lease.ts';
import { Acknowledged } from './rows/acknowledged.ts';
import type { LiveStore } from './rows/live-store.ts';
import { PartialRead } from './rows/partial-read.ts';
import { Rows, StoreAway } from './rows/rows.ts';
import { type FrameOutput, mergeOutputs, NO_OUTPUT, WriteBatch } from './rows/write-batch.ts';
import { type Newest, newestOf } from './watch/host-watch.ts';

export interface HostDeps {
  readonly fold: HostFold;
  readonly store: FrameStore & IncidentStore;
  readonly live: LiveStore;
  readonly state: Checkpoints & Incidents & Marks & Deliveries;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the lane is given up. */
  readonly signal: AbortSignal;
  readonly checkpointMs: number;
  /** Called with each incident once it is committed to the state. */
  readonly onIncident?: (incident: Incident) => void;
  /** Called while stored history is folded. */
  readonly onProgress?: (progress: Progress) => void;
}

/** How far the folding of stored history is. */
export interface Progress {
  readonly host: string;
  readonly frames: number;
  /** Start of the last folded frame, epoch ms. */
  readonly at: number;
}

/** Most frames folded, and rows made, between two writes while catching up: bounds memory and repeated work. */
const CATCH_UP = { frames: 64, rows: 20_000 };
/** Incidents, and notifications, that are committed in one step after a second fold. */
const COMMIT = 500;
/** A host without a frame of this age, ms, is gone: what the store lacks of it may never come. */
const GONE_MS = 300_000;
/** Frames of a host that are stored before its worker has begun. */
const FIRST_FRAMES = 3;
/** Pause between two lines about progress. */
const PROGRESS_MS = 5000;

/** Where a fold goes on. */
interface From {
  readonly state: HostState;
  readonly last: number | null;
  readonly handled: Handled | null;
}

/**
 * Folds the frames of one host for the owner of its lane: from the newest checkpoint, over stored frames that the queue
 * did not bring, then frame by frame. Every output has a key, so folding a frame again changes nothing.
 *
 * A frame of the queue may not be stored yet. It is judged all the same, when it follows the last one; otherwise it
 * waits until the store has what is between. No checkpoint passes what the store has not acknowledged, frames or rows:
 * whoever starts from it finds everything since in the store, and writes what is missing there.
 */
export class HostWorker {
  readonly host: string;
  readonly #lease: Lease;
  readonly #deps: HostDeps;
  #state: HostState;
  /** Start of the last folded frame, or null before the first. */
  #last: number | null;
  /** While stored frames are folded only to learn from them: what was said of them before. */
  #handled: Handled | null;
  #checkpointed: number;
  #progressed: number;
  readonly #rows: Rows;
  readonly #acknowledged: Acknowledged;
  readonly #marks: HeardMarks;
  /** What is to be committed at the end of a second fold, or null in a first one. */
  #deferred: FrameOutput | null = null;
  /** Incidents of other settings were looked for, which takes all of history. */
  #orphansClosed = false;
  /** End of the last folded frame, epoch ms. */
  #end = 0;
  /** The last folded frame; null before the first. */
  newest: Newest | null = null;
  /** Whether frames of the queue wait for history that is not in the store yet. */
  waits = false;
  frames = 0;
  /** Frames on which a detector failed. */
  failedFrames = 0;
  /** From the end of the newest frame of the queue until its incidents were committed to the state, ms; null before the first. */
  lagMs: number | null = null;

  private constructor(host: string, lease: Lease, deps: HostDeps, from: From, marks: HeardMarks) {
    this.host = host;
    this.#lease = lease;
    this.#deps = deps;
    this.#state = from.state;
    this.#last = from.last;
    this.#handled = from.handled;
    this.#acknowledged = new Acknowledged(host, from.last, deps);
    this.#rows = new Rows(host, deps);
    this.#marks = marks;
    this.#checkpointed = deps.clock.monotonic();
    this.#progressed = this.#checkpointed;
  }

  get last(): number | null {
    return this.#last;
  }

  /** Start of the last frame of which something was said, by whomever. */
  get #judged(): number | null {
    return this.#handled ? Math.max(this.#last ?? 0, this.#handled.upTo) : this.#last;
  }

  /** Why the store did not take rows that are still to be written, or null. */
  get unwritten(): string | null {
    return this.#rows.missing;
  }

  /** Rows that the store refused for good. */
  get refusedRows(): number {
    return this.#rows.refused;
  }

  /** Subjects that detectors had to forget because there were too many. */
  get forgotten(): number {
    return this.#state.fold.subjects.dropped;
  }

  /** Incidents that are firing. */
  get openIncidents(): number {
    return this.#deps.fold.openIncidents(this.#state).size;
  }

  /**
   * Load the checkpoint and fold what was stored since. A store that cannot be read is no obstacle: `catchUp` goes on
   * later. Throws StoreAway when the state knows nothing of the host, and the store cannot be asked.
   */
  static async start(host: string, lease: Lease, deps: HostDeps): Promise<HostWorker> {
    const worker = await HostWorker.#load(host, lease, deps, new HeardMarks(host, lease, deps));
    // Of a host that has just come the first are stored before anybody can know of it.
    const expected = worker.last === null ? FIRST_FRAMES : 0;
    const broken = await worker.catchUp();
    if (worker.frames > expected)
      deps.log.info(
        { host, frames: worker.frames },
        'judged frames that were stored while no detector ran for this host: it has caught up, nothing is to be done',
      );
    if (broken)
      deps.log.warn({ host, error: describeError(broken.reason) }, 'reading the store failed, trying again');
    return worker;
  }

  /**
   * As a successor would, fold again what was stored since the checkpoint, and write the rows that `before` could not:
   * what takes its place. Throws StoreAway when the store is away again; `before` goes on then.
   */
  static async startAgain(before: HostWorker, lease: Lease, deps: HostDeps): Promise<HostWorker> {
    const worker = await HostWorker.#load(before.host, lease, deps, before.#marks);
    worker.#deferred = NO_OUTPUT;
    worker.#orphansClosed = true;
    const broken = await worker.catchUp();
    if (broken) throw new StoreAway(describeError(broken.reason));
    if (worker.unwritten !== null) throw new StoreAway(worker.unwritten);
    if ((worker.#last ?? 0) < (before.#last ?? 0)) throw new StoreAway('not all that was judged can be read');
    await worker.#commitDeferred(before.#end);
    // Only now: before that, the state knew of incidents that this fold has seen end.
    await worker.#closeOrphanedIncidents();
    worker.frames = before.frames;
    worker.failedFrames = before.failedFrames;
    worker.#rows.refused += before.refusedRows;
    worker.lagMs = before.lagMs;
    await worker.checkpoint(true);
    return worker;
  }

  static async #load(host: string, lease: Lease, deps: HostDeps, marks: HeardMarks): Promise<HostWorker> {
    const { state, fold } = deps;
    const own = await retryUnderLease(deps, () => state.loadCheckpoint(host, fold.fingerprint));
    const restored = own && restore(own, deps);
    const last = restored ? own.last : null;
    const handled = await handledBefore(host, last, lease, deps);
    const worker = new HostWorker(
      host,
      lease,
      deps,
      { state: restored ?? fold.init(), last, handled },
      marks,
    );
    await marks.open(worker.#judged);
    return worker;
  }

  /**
   * Fold a frame of the queue, after stored frames that it follows. One that was folded already is ignored, and one that
   * waits for history is read from the store later.
   */
  async take(frame: Frame): Promise<void> {
    if (this.#last !== null && frame.start <= this.#last) return;
    if (frame.previous !== this.#last && !(await this.#bridge(frame))) return;
    this.waits = false;
    if (this.#handled && frame.start > this.#handled.upTo) await this.#speak();
    await this.#marks.listen(this.#judged);
    const batch = new WriteBatch();
    this.#fold(frame, batch);
    await this.#finish(batch, { live: true });
    this.lagMs = this.#deps.clock.now() - frameEnd(frame);
    await this.checkpoint(false);
  }

  /** Fold what is stored before a frame that does not follow the last one; false while more may come. */
  async #bridge(frame: Frame): Promise<boolean> {
    // The next sweep reads what has come meanwhile.
    if (this.waits) return false;
    // Asked first: once the store has this frame in its turn, what it lacks before it was given up.
    const isFinal = await this.#acknowledged.covers(frame.start);
    const isRead = isFinal !== null && (await this.catchUp(frame.start)) === null;
    if (frame.previous === this.#last || (isFinal && isRead)) return true;
    this.waits = true;
    this.#deps.log.warn(
      { host: this.host, upTo: this.#last === null ? null : isoTime(this.#last) },
      'detection waits for history that is not in the store yet',
    );
    return false;
  }

  /** Whether the store has all frames that were folded; null: it does not answer. Never rejects. */
  async isAcknowledged(): Promise<boolean | null> {
    return this.#last === null || this.#acknowledged.covers(this.#last);
  }

  /**
   * Whether its lane has to stay here: the next owner would not find all that was judged in the store, and be blind until
   * it does. A host that is gone is no reason when the store answers: nothing is judged of it anyway.
   */
  async keepsLane(): Promise<boolean> {
    const isAcknowledged = await this.isAcknowledged();
    if (isAcknowledged === null) return true;
    if (isAcknowledged && this.unwritten === null) return false;
    return this.#deps.clock.now() - this.#end < GONE_MS;
  }

  /** Fold all stored frames after the last one, those before `before` only when given. Returns why reading broke off. */
  async catchUp(before = Number.MAX_SAFE_INTEGER): Promise<{ reason: unknown } | null> {
    const broken = await this.#foldStored(before);
    if (broken) {
      if (this.#deps.signal.aborted) throw broken.reason;
      return broken;
    }
    if (this.#handled && this.#last !== null && this.#last >= this.#handled.upTo) await this.#speak();
    if (before === Number.MAX_SAFE_INTEGER && !this.#orphansClosed) {
      await this.#closeOrphanedIncidents();
      this.#orphansClosed = true;
    }
    return null;
  }

  /**
   * Fold stored frames until all are read, or reading fails. Throws when their outputs cannot be written: the state
   * includes these frames then, and must not be used any more.
   */
  async #foldStored(before: number): Promise<{ reason: unknown } | null> {
    const range = { from: this.#last === null ? 0 : this.#last + 1, to: before };
    const frames = new PartialRead(this.#deps.store.readFrames(this.host, range));
    let folded = 0;
    let batch = new WriteBatch();
    const flush = async () => {
      await this.#finish(batch, { live: false });
      this.#acknowledged.note(batch.last);
      this.waits = false;
      folded += batch.frames;
      batch = new WriteBatch();
      this.#showProgress(folded);
      await this.checkpoint(false);
      await this.#marks.listen(this.#judged);
    };
    await this.#marks.listen(this.#judged);
    for await (const frame of frames) {
      if (this.#handled && frame.start > this.#handled.upTo) {
        if (batch.frames > 0) await flush();
        await this.#speak();
      }
      this.#fold(frame, batch);
      if (batch.frames >= CATCH_UP.frames || batch.rows >= CATCH_UP.rows) await flush();
    }
    // Also when reading failed: these frames are part of the state, and would not be folded again.
    if (batch.frames > 0) await flush();
    return frames.broken;
  }

  /** Say now and then how far the folding of much history is. */
  #showProgress(folded: number): void {
    const { clock, log, onProgress } = this.#deps;
    const at = this.#last ?? 0;
    this.lagMs = clock.now() - at;
    onProgress?.({ host: this.host, frames: folded, at });
    if (clock.monotonic() - this.#progressed < PROGRESS_MS) return;
    this.#progressed = clock.monotonic();
    log.info({ host: this.host, frames: folded, at: isoTime(at) }, 'folding stored history');
  }

  /**
   * Fold one frame: what it gave is to be written, with that of others, before anything is saved. Of frames that were
   * handled before nothing is said; only incidents that were lost are found again.
   */
  #fold(frame: Frame, batch: WriteBatch): void {
    const output = this.#step(frame);
    if (output && !this.#handled) batch.add(output);
    else if (output && this.#handled?.open === null) batch.add({ ...NO_OUTPUT, incidents: output.incidents });
    batch.frames++;
    batch.last = frame.start;
    this.#end = frameEnd(frame);
    this.newest = newestOf(frame);
  }

  /** Write the outputs of a batch: to the store first, then incidents and notifications. */
  async #finish(batch: WriteBatch, { live }: { live: boolean }): Promise<void> {
    await this.#write(mergeOutputs(batch.outputs), { live });
    this.#last = batch.last;
    this.frames += batch.frames;
  }

  /** All frames that were handled before are folded: from here on it judges. */
  async #speak(): Promise<void> {
    const handled = this.#handled;
    if (!handled) return;
    this.#handled = null;
    if (handled.open === null) {
      // In case it was never told before: under a key that was, it is ignored.
      await this.#write({ ...NO_OUTPUT, notifications: this.#deps.fold.announce(this.#state) });
      return;
    }
    this.#state = this.#deps.fold.adopt(this.#state, handled.open);
    this.#last = Math.max(this.#last ?? 0, handled.upTo);
    // Before anything is said: who does these frames again must go on with the same incidents.
    await this.checkpoint(true);
  }

  /** Counts a frame that a detector fails on. */
  #step(frame: Frame): FrameOutput | null {
    const step = stepOver(this.#deps.fold, this.#state, frame, this.#marks.at(frame.start), error => {
      this.failedFrames++;
      this.#deps.log.error(
        { host: this.host, start: frame.start, error: describeError(error) },
        'frame not judged',
      );
    });
    if (!step) return null;
    const { state, detections, expected, annotations, incidents, notifications } = step;
    this.#state = state;
    return { detections, expected, annotations, incidents, notifications };
  }

  async #write(merged: FrameOutput, { live } = { live: false }): Promise<void> {
    const { incidents, notifications } = merged;
    await this.#rows.write(merged, { live });
    // Merged as it grows: an incident has a version in every frame of a long outage.
    if (this.#deferred)
      this.#deferred = mergeOutputs([this.#deferred, { ...NO_OUTPUT, incidents, notifications }]);
    else await this.#commit(incidents, notifications);
  }

  async #commit(
    incidents: readonly Incident[],
    notifications: readonly Notification[],
    shownUpTo = 0,
  ): Promise<void> {
    if (incidents.length === 0 && notifications.length === 0) return;
    const { state } = this.#deps;
    const held = await retryUnderLease(this.#deps, () =>
      state.commit(this.#lease, { incidents, notifications }),
    );
    if (!held) throw leaseLost(this.#lease.name);
    for (const incident of incidents)
      if (Math.max(incident.end, incident.resolvedAt ?? 0) > shownUpTo) this.#deps.onIncident?.(incident);
  }

  /**
   * Commit what a second fold has found, each incident in its newest version only: nobody is to see one that is over
   * fire again. Up to `shownUpTo`, epoch ms, incidents were shown already.
   */
  async #commitDeferred(shownUpTo: number): Promise<void> {
    const { incidents, notifications } = this.#deferred ?? NO_OUTPUT;
    this.#deferred = null;
    for (let i = 0; i < Math.max(incidents.length, notifications.length); i += COMMIT)
      await this.#commit(incidents.slice(i, i + COMMIT), notifications.slice(i, i + COMMIT), shownUpTo);
  }

  /** Save the state when it is time, or now; but not while the store lacks something that it includes. */
  async checkpoint(now: boolean): Promise<void> {
    const { clock, checkpointMs, state, fold } = this.#deps;
    if (this.#last === null || (!now && clock.monotonic() - this.#checkpointed < checkpointMs)) return;
    if (this.unwritten !== null || this.#deferred) return;
    // Asked at most once in this time: the answer may be long in coming.
    this.#checkpointed = clock.monotonic();
    if (!(await this.isAcknowledged())) return;
    // Of one frame, as no other of this host is folded before it is made: lane.ts does one thing after the other.
    const { host } = this;
    const last = this.#last;
    const checkpoint = { host, last, fingerprint: fold.fingerprint, data: await fold.save(this.#state) };
    const held = await retryUnderLease(this.#deps, () => state.saveCheckpoint(this.#lease, checkpoint));
    if (!held) throw leaseLost(this.#lease.name);
  }

  /** See orphaned-incidents.ts. */
  async #closeOrphanedIncidents(): Promise<void> {
    if (this.#handled?.open) return;
    const closed = await closingOrphans(this.host, this.#last ?? 0, this.#state, this.#deps);
    if (closed) await this.#write({ ...NO_OUTPUT, ...closed });
  }
}

/** The state in a checkpoint, or null when it cannot be read: then history is folded again. */
function restore(checkpoint: Checkpoint, deps: HostDeps): HostState | null {
  try {
    return deps.fold.decode(checkpoint.data);
  } catch (error) {
    deps.log.error(
      { host: checkpoint.host, error: describeError(error) },
      'checkpoint unreadable, folding history again',
    );
    return null;
  }
}
