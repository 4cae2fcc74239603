import { CAPS } from '../../core/caps.ts';
import type { Clock } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Backoff } from '../../core/retry.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Queue } from '../../queue/contract.ts';
import type { FrameStore } from '../../store/contract.ts';
import type { PendingFrame } from './backlog.ts';
import { Sender } from './sender.ts';
import type { Spool, SpoolStatus } from './spool/spool.ts';

export interface ShipperOptions {
  store: Pick<FrameStore, 'writeFrames'>;
  queue: Pick<Queue, 'publish'>;
  /** Where frames wait. What an earlier process left in it is shipped first. */
  spool: Pick<Spool, 'append' | 'read' | 'release' | 'drop' | 'recovered' | 'status'>;
  clock: Clock;
  log: Log;
  limits: ShipperLimits;
  /** Called when the store or queue goes away or comes back, and when frames are given up. Must not throw. */
  onStatus?: (status: ShipperStatus) => void;
  /** Pauses between attempts while store or queue are away. */
  backoff?: Backoff;
}

/** How much may wait; beyond any of these the oldest frame is given up. The newest is always kept. */
export interface ShipperLimits {
  /** Bytes of JSON text. */
  bytes: number;
  /** The same for frames that are only in memory because the disk does not take them. */
  memoryBytes: number;
  /** How long a frame waits, ms; one of an earlier process since the start of this one. */
  ageMs: number;
}

/** Counts are frames. */
export interface ShipperStatus {
  /** PendingFrame for the store or, stored already, for the queue. */
  readonly pending: number;
  readonly pendingBytes: number;
  /** Start of the oldest that waits, epoch ms. */
  readonly oldest: number | null;
  readonly spool: SpoolStatus;
  /** Lost: a bound was reached before the store had them. */
  readonly dropped: number;
  /** Lost: the store refused them for good. */
  readonly refused: number;
  /** Stored but never queued (the bound was reached, or the queue refused): workers read them from the store. */
  readonly skipped: number;
  readonly stored: number;
  readonly queued: number;
  /** Why the last attempt failed, or null while all is well. */
  readonly storeDown: string | null;
  readonly queueDown: string | null;
  /** The same for the state, while frames wait until the host's name is claimed in it. */
  readonly stateDown: string | null;
  /** Start of the newest stored frame, epoch ms. */
  readonly lastStored: number | null;
}

/**
 * Brings frames into the spool, then into the store, then onto the queue, each in the order in which they came, as
 * workers fold them in order. A frame leaves the spool when the queue has taken it. While many wait, the store also gets
 * the newest ahead of their turn: dashboards show the present while workers catch up.
 *
 * A frame is queued only after the store has acknowledged it: a worker that is handed a frame finds it and all its
 * predecessors in the store. While the store is away nothing new is queued; while the queue is away storing goes on,
 * and frames that only wait for the queue are dropped first when a limit is reached: workers can read them from the store.
 */
export interface Shipper {
  /** Accept a frame. Never waits, never throws. */
  push(frame: Frame): void;
  status(): ShipperStatus;
  /** Retry at once; true when everything is shipped within `timeoutMs`. */
  drain(timeoutMs: number): Promise<boolean>;
  /** Stop; resolves when no request is under way. Pending frames stay in the spool. */
  stop(): Promise<void>;
}

/** Most in one request to the store: enough to catch up fast, little enough to repeat. */
const BATCH = { frames: 256, bytes: 4 * 1024 * 1024 };

/** Most that the store gets ahead of its turn between two requests. */
const AHEAD = { frames: 8, bytes: BATCH.bytes };

/** Default of `ShipperOptions.backoff`. */
const BACKOFF: Backoff = { firstMs: 200, maxMs: 5000 };

export function createShipper(options: ShipperOptions): Shipper {
  return new FrameShipper(options);
}

class FrameShipper implements Shipper {
  readonly #options: ShipperOptions;
  readonly #store: Sender;
  readonly #queue: Sender;
  readonly #drains = new Set<AbortController>();
  /** When each frame began to wait, on the monotonic clock: the wall clock may be set. */
  readonly #since = new Map<number, number>();
  /** Frames up to this number were already sent ahead of their turn, or were older than those. */
  #aheadUpTo = 0;
  /** Numbers of pending frames that the store has acknowledged ahead of their turn. */
  readonly #ahead = new Set<number>();
  /** Numbers of frames whose record in the spool is damaged. */
  readonly #unreadable = new Set<number>();
  #counts = { dropped: 0, refused: 0, skipped: 0, stored: 0, queued: 0 };
  /** Whether the loss was logged; reset when store and queue are back. */
  #lossLogged = false;
  #lastStored: number | null = null;

  constructor(options: ShipperOptions) {
    this.#options = options;
    const { store, queue, clock, log } = options;
    const backoff = options.backoff ?? BACKOFF;
    const common = { clock, log, backoff, onChange: () => this.#changed() };
    this.#store = new Sender({
      ...common,
      name: 'store',
      batch: BATCH,
      send: async batch => {
        const frames = this.#read(batch);
        if (frames.length > 0) await store.writeFrames(frames);
      },
      onSent: batch => this.#stored(batch),
      between: () => this.#storeAhead(),
      onRefused: (entry, error) => this.#refused('store', entry, error),
    });
    this.#queue = new Sender({
      ...common,
      name: 'queue',
      batch: { frames: 1, bytes: 0 },
      send: async batch => {
        for (const frame of this.#read(batch)) await queue.publish(frame);
      },
      onSent: batch => this.#queued(batch),
      onRefused: (entry, error) => this.#refused('queue', entry, error),
    });
    for (const entry of options.spool.recovered) this.#wait(entry);
  }

  push(frame: Frame): void {
    const { fault } = this.#options.spool.status();
    this.#wait(this.#options.spool.append(frame));
    this.#bound();
    if (this.#options.spool.status().fault !== fault) this.#options.onStatus?.(this.status());
  }

  status(): ShipperStatus {
    return {
      pending: this.#pending,
      pendingBytes: this.#pendingBytes,
      oldest: (this.#queue.backlog.oldest ?? this.#store.backlog.oldest)?.start ?? null,
      spool: this.#options.spool.status(),
      ...this.#counts,
      storeDown: this.#downOf('store'),
      queueDown: this.#downOf('queue'),
      stateDown: this.#downOf('state'),
      lastStored: this.#lastStored,
    };
  }

  async drain(timeoutMs: number): Promise<boolean> {
    this.#store.hurry();
    this.#queue.hurry();
    if (this.#pending > 0) {
      const done = new AbortController();
      this.#drains.add(done);
      await this.#options.clock.sleep(timeoutMs, done.signal);
      this.#drains.delete(done);
    }
    return this.#pending === 0;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#store.stop(), this.#queue.stop()]);
  }

  get #pending(): number {
    return this.#store.backlog.size + this.#queue.backlog.size;
  }

  get #pendingBytes(): number {
    return this.#store.backlog.bytes + this.#queue.backlog.bytes;
  }

  #downOf(backend: string): string | null {
    return [this.#store.down, this.#queue.down].find(down => down?.backend === backend)?.reason ?? null;
  }

  #wait(entry: PendingFrame): void {
    this.#since.set(entry.seq, this.#options.clock.monotonic());
    this.#store.push(entry);
  }

  /** `stored`: workers can read it; otherwise it is lost, and the next frame tells of it. */
  #forget(entry: PendingFrame, { stored }: { stored: boolean }): void {
    this.#since.delete(entry.seq);
    const isAhead = this.#ahead.delete(entry.seq);
    if (stored && !isAhead) this.#options.spool.release(entry);
    else this.#options.spool.drop(entry, { stored });
  }

  /** Frames from the spool; one that cannot be read is left out, and the spool counts it. */
  #read(batch: readonly PendingFrame[]): Frame[] {
    return batch.flatMap(entry => {
      const frame = this.#unreadable.has(entry.seq) ? null : this.#options.spool.read(entry);
      if (frame === null) this.#unreadable.add(entry.seq);
      return frame ?? [];
    });
  }

  /** A failure is harmless: these frames are stored again in their turn, which reports what is wrong. */
  async #storeAhead(): Promise<void> {
    const batch = this.#store.backlog.newest(AHEAD).filter(({ seq }) => seq > this.#aheadUpTo);
    const frames = this.#read(batch);
    if (frames.length === 0) return;
    this.#aheadUpTo = batch.at(-1)?.seq ?? this.#aheadUpTo;
    const { store, log } = this.#options;
    try {
      await store.writeFrames(frames, { ahead: true });
      for (const { seq } of batch) if (this.#since.has(seq)) this.#ahead.add(seq);
    } catch (error) {
      log.debug({ error: describeError(error) }, 'frames not stored ahead of their turn');
    }
  }

  #stored(batch: readonly PendingFrame[]): void {
    for (const entry of batch) {
      if (this.#unreadable.delete(entry.seq)) {
        this.#forget(entry, { stored: this.#ahead.has(entry.seq) });
        continue;
      }
      this.#ahead.delete(entry.seq);
      this.#counts.stored++;
      this.#lastStored = entry.start;
      this.#queue.push(entry);
    }
    this.#settle();
  }

  #queued(batch: readonly PendingFrame[]): void {
    for (const entry of batch) {
      if (this.#unreadable.delete(entry.seq)) this.#counts.skipped++;
      else this.#counts.queued++;
      this.#forget(entry, { stored: true });
    }
    this.#settle();
  }

  /** What the store refuses is not queued, so that live detection and a review of the store see the same frames. */
  #refused(by: 'store' | 'queue', entry: PendingFrame, error: unknown): void {
    this.#counts[by === 'store' ? 'refused' : 'skipped']++;
    this.#forget(entry, { stored: by === 'queue' });
    this.#options.log.error(
      { start: entry.start, error: describeError(error) },
      `the ${by} refused a frame for good`,
    );
    this.#settle();
    this.#options.onStatus?.(this.status());
  }

  /**
   * Give up the oldest frames while a limit is exceeded: stored ones first, never the newest. A frame that was stored
   * ahead of its turn is not lost: workers read it as soon as a later frame is stored in its turn.
   */
  #bound(): void {
    const before = this.#counts.dropped + this.#counts.skipped;
    for (;;) {
      const queueing = this.#queue.backlog.droppable(0);
      const gone = queueing ?? this.#store.backlog.droppable(1);
      if (!gone || !this.#exceeded(gone)) break;
      (queueing ? this.#queue : this.#store).backlog.drop(gone);
      const stored = queueing !== null || this.#ahead.has(gone.seq);
      this.#counts[stored ? 'skipped' : 'dropped']++;
      this.#forget(gone, { stored });
    }
    if (this.#counts.dropped + this.#counts.skipped === before) return;
    if (!this.#lossLogged) {
      this.#lossLogged = true;
      this.#options.log.warn(
        { ...this.#options.limits },
        'too many frames wait, or they wait too long: the oldest are given up',
      );
    }
    this.#options.onStatus?.(this.status());
  }

  /**
   * Whether a limit is exceeded. `next`: the frame that would be given up. Only its own age counts: frames of a running
   * request stay, however old, and giving up younger ones for them would empty the spool.
   */
  #exceeded(next: PendingFrame): boolean {
    const { limits, spool, clock } = this.#options;
    const since = this.#since.get(next.seq);
    return (
      this.#pending > CAPS.waitingFrames.limit ||
      this.#pendingBytes > limits.bytes ||
      spool.status().unwrittenBytes > limits.memoryBytes ||
      (since !== undefined && clock.monotonic() - since > limits.ageMs)
    );
  }

  #changed(): void {
    const well = this.#store.down === null && this.#queue.down === null;
    if (well && this.#lossLogged) {
      const { dropped, skipped } = this.#counts;
      this.#options.log.warn({ dropped, skipped }, 'frames were given up, in total since the start');
      this.#lossLogged = false;
    }
    this.#options.onStatus?.(this.status());
  }

  /** Wake the drains when nothing is pending. */
  #settle(): void {
    if (this.#pending === 0) for (const drain of this.#drains) drain.abort();
  }
}
