import { type HostFold, type HostState, stepOver } from '../alert/host.ts';
import { type Clock, isoTime } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import type { Incident } from '../core/incident/incident.ts';
import type { Log } from '../core/log.ts';
import { isRetriable } from '../core/retry.ts';
import { type Frame, frameEnd } from '../core/traffic/frame.ts';
import type { Checkpoint, Checkpoints, Deliveries, Incidents, Lease } from '../state/contract.ts';
import type { FrameStore, IncidentStore } from '../store/contract.ts';
import { PartialRead } from './partial-read.ts';
import { type Handled, handledBefore, ofAnnounced } from './recovery.ts';
import { BACKOFF, leaseLost, retryUnderLease } from './retry-under-lease.ts';
import { type FrameOutput, mergeOutputs, NO_OUTPUT, WriteBatch } from './write-batch.ts';

export interface HostDeps {
  readonly fold: HostFold;
  readonly store: FrameStore & IncidentStore;
  readonly state: Checkpoints & Incidents & Deliveries;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the lane is given up. */
  readonly signal: AbortSignal;
  readonly checkpointMs: number;
  /** Called after each batch of outputs was stored. */
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
/** Pause between two lines about progress. */
const PROGRESS_MS = 5000;

/**
 * Folds the frames of one host for the owner of its lane: from the newest checkpoint, over stored frames that the queue
 * did not bring, then frame by frame. Every output has a key, so folding a frame again changes nothing.
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
  frames = 0;
  /** Frames on which a detector failed. */
  failedFrames = 0;
  /** Rows that the store refused for good. */
  refusedRows = 0;
  /** From the end of the newest frame of the queue until its outputs were stored, ms; null before the first. */
  lagMs: number | null = null;

  private constructor(
    host: string,
    lease: Lease,
    deps: HostDeps,
    from: { state: HostState; last: number | null; handled: Handled | null },
  ) {
    this.host = host;
    this.#lease = lease;
    this.#deps = deps;
    this.#state = from.state;
    this.#last = from.last;
    this.#handled = from.handled;
    this.#checkpointed = deps.clock.monotonic();
    this.#progressed = this.#checkpointed;
  }

  get last(): number | null {
    return this.#last;
  }

  /** Subjects that detectors had to forget because there were too many. */
  get forgotten(): number {
    return this.#state.fold.subjects.dropped;
  }

  /** Incidents that are firing. */
  get openIncidents(): number {
    return this.#deps.fold.openIncidents(this.#state).size;
  }

  /** Load the checkpoint and fold what was stored since. */
  static async start(host: string, lease: Lease, deps: HostDeps): Promise<HostWorker> {
    const { state, fold } = deps;
    const own = await retryUnderLease(deps, () => state.loadCheckpoint(host, fold.fingerprint));
    const restored = own && restore(own, deps);
    const last = restored ? own.last : null;
    const handled = await handledBefore(host, last, lease, deps);
    const worker = new HostWorker(host, lease, deps, { state: restored ?? fold.init(), last, handled });
    const folded = await worker.catchUp();
    if (folded > 0)
      deps.log.info({ host, frames: folded }, 'judged frames that were stored while nobody judged this host');
    if (handled && worker.#last !== null && worker.#last >= handled.upTo) await worker.#speak();
    await worker.#closeOrphanedIncidents();
    return worker;
  }

  /** Fold a frame of the queue, after stored frames that it follows. A frame that was folded already is ignored. */
  async take(frame: Frame): Promise<void> {
    if (this.#last !== null && frame.start <= this.#last) return;
    if (frame.previous !== this.#last) await this.catchUp(frame.start);
    if (this.#handled && frame.start > this.#handled.upTo) await this.#speak();
    const batch = new WriteBatch();
    this.#fold(frame, batch);
    await this.#finish(batch);
    this.lagMs = this.#deps.clock.now() - frameEnd(frame);
    await this.checkpoint(false);
  }

  /** Fold all stored frames after the last one, those before `before` only when given; returns how many. */
  async catchUp(before = Number.MAX_SAFE_INTEGER): Promise<number> {
    const { clock, log, signal } = this.#deps;
    let folded = 0;
    for (;;) {
      const part = await this.#foldStored(before);
      folded += part.frames;
      if (!part.broken) return folded;
      // It goes on after the last folded frame.
      const { reason } = part.broken;
      if (signal.aborted) throw reason;
      log.warn({ host: this.host, error: describeError(reason) }, 'reading the store failed, trying again');
      await clock.sleep(BACKOFF.maxMs, signal);
    }
  }

  /**
   * Fold stored frames until all are read, or reading fails. Throws when their outputs cannot be written: the state
   * includes these frames then, and must not be used any more.
   */
  async #foldStored(before: number): Promise<{ frames: number; broken: { reason: unknown } | null }> {
    const range = { from: this.#last === null ? 0 : this.#last + 1, to: before };
    const frames = new PartialRead(this.#deps.store.readFrames(this.host, range));
    let folded = 0;
    let batch = new WriteBatch();
    const flush = async () => {
      await this.#finish(batch);
      folded += batch.frames;
      batch = new WriteBatch();
      this.#showProgress(folded);
      await this.checkpoint(false);
    };
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
    return { frames: folded, broken: frames.broken };
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
  }

  /** Write the outputs of a batch: to the store first, then incidents and notifications. */
  async #finish(batch: WriteBatch): Promise<void> {
    await this.#write(mergeOutputs(batch.outputs));
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
    const step = stepOver(this.#deps.fold, this.#state, frame, error => {
      this.failedFrames++;
      this.#deps.log.error(
        { host: this.host, start: frame.start, error: describeError(error) },
        'frame not judged',
      );
    });
    if (!step) return null;
    const { state, detections, annotations, incidents, notifications } = step;
    this.#state = state;
    return { detections, annotations, incidents, notifications };
  }

  async #write(merged: FrameOutput): Promise<void> {
    const { store, state, onIncident } = this.#deps;
    const { detections, annotations, incidents, notifications } = merged;
    if (detections.length > 0)
      await this.#writeRows(detections.length, () => store.writeDetections(detections));
    if (annotations.length > 0)
      await this.#writeRows(annotations.length, () => store.writeAnnotations(annotations));
    if (incidents.length === 0 && notifications.length === 0) return;
    const held = await retryUnderLease(this.#deps, () =>
      state.commit(this.#lease, { incidents, notifications }),
    );
    if (!held) throw leaseLost(this.#lease.name);
    for (const incident of incidents) onIncident?.(incident);
  }

  /** Rows that the store refuses for good are counted and left out; incidents go on without them. */
  async #writeRows(count: number, write: () => Promise<void>): Promise<void> {
    try {
      await retryUnderLease(this.#deps, write);
    } catch (error) {
      if (this.#deps.signal.aborted || isRetriable(error)) throw error;
      this.refusedRows += count;
      this.#deps.log.error(
        { host: this.host, rows: count, error: describeError(error) },
        'the store refused rows',
      );
    }
  }

  /** Save the state when it is time, or now. */
  async checkpoint(now: boolean): Promise<void> {
    const { clock, checkpointMs, state, fold } = this.#deps;
    if (this.#last === null || (!now && clock.monotonic() - this.#checkpointed < checkpointMs)) return;
    const checkpoint = {
      host: this.host,
      last: this.#last,
      fingerprint: fold.fingerprint,
      data: fold.encode(this.#state),
    };
    const held = await retryUnderLease(this.#deps, () => state.saveCheckpoint(this.#lease, checkpoint));
    if (!held) throw leaseLost(this.#lease.name);
    this.#checkpointed = clock.monotonic();
  }

  /**
   * Open incidents that this fold does not know, though it has been past all frames in which they were seen, are of a
   * rebuilding under other settings that was broken off: nobody else would ever end them.
   */
  async #closeOrphanedIncidents(): Promise<void> {
    if (this.#handled?.open) return;
    const { state, fold, log } = this.#deps;
    const at = this.#last ?? 0;
    const known = fold.openIncidents(this.#state);
    const stored = await retryUnderLease(this.#deps, () => state.openIncidents(this.host));
    const orphans = stored
      .filter(({ id, findings }) => !known.has(id) && findings.every(({ last }) => last <= at))
      .map(incident => ({ ...incident, resolvedAt: Math.max(at, incident.end) }));
    if (orphans.length === 0) return;
    log.info(
      { host: this.host, incidents: orphans.length },
      'settings changed: open incidents of other settings are closed',
    );
    const closed = fold.close(orphans);
    const notifications = await ofAnnounced(closed.notifications, this.#deps);
    await this.#write({ detections: [], ...closed, notifications });
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
