import { CAPS } from '../../core/caps.ts';
import { describeError } from '../../core/errors.ts';
import type { Backoff } from '../../core/retry.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { PendingFrame } from './backlog.ts';
import type { Shipper, ShipperOptions, ShipperStatus } from './contract.ts';
import { Sender } from './sender.ts';

/** Most in one request to the store: enough to catch up fast, little enough to repeat. */
const BATCH = { frames: 256, bytes: 4 * 1024 * 1024 };

/** Most that the store gets ahead of its turn between two requests. */
const AHEAD = { frames: 8, bytes: BATCH.bytes };

/** Default of `ShipperOptions.backoff`. */
const BACKOFF: Backoff = { firstMs: 200, maxMs: 5000 };

/** A request to the store that takes longer does not keep frames from being judged. */
const PATIENCE_MS = 2000;

/** A frame in the spool, and who has it already. */
interface Waiting {
  readonly entry: PendingFrame;
  /** When it began to wait, on the monotonic clock: the wall clock may be set. */
  readonly since: number;
  /** The store has acknowledged it in its turn. */
  stored: boolean;
  /** The queue has taken it, or refused it for good. */
  queued: boolean;
  /** The store has acknowledged it ahead of its turn. */
  ahead: boolean;
}

/** See Shipper; what an earlier process left in the spool is shipped first. */
export function createShipper(options: ShipperOptions): Shipper {
  return new FrameShipper(options);
}

class FrameShipper implements Shipper {
  readonly #options: ShipperOptions;
  readonly #store: Sender;
  readonly #queue: Sender;
  readonly #drains = new Set<AbortController>();
  /** By sequence number, ascending. */
  readonly #waiting = new Map<number, Waiting>();
  #waitingBytes = 0;
  /** Frames up to this number were handed to the queue's sender. */
  #handedUpTo = 0;
  /** Frames up to this number were already sent ahead of their turn, or were older than those. */
  #aheadUpTo = 0;
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
      patienceMs: PATIENCE_MS,
      onStalled: () => this.#queueUnstored(),
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
    this.#queueUnstored();
    if (this.#options.spool.status().fault !== fault) this.#options.onStatus?.(this.status());
  }

  status(): ShipperStatus {
    const [oldest] = this.#waiting.values();
    return {
      pending: this.#waiting.size,
      pendingBytes: this.#waitingBytes,
      oldest: oldest?.entry.start ?? null,
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
    if (this.#waiting.size > 0) {
      const done = new AbortController();
      this.#drains.add(done);
      await this.#options.clock.sleep(timeoutMs, done.signal);
      this.#drains.delete(done);
    }
    return this.#waiting.size === 0;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#store.stop(), this.#queue.stop()]);
  }

  #downOf(backend: string): string | null {
    return [this.#store.down, this.#queue.down].find(down => down?.backend === backend)?.reason ?? null;
  }

  #wait(entry: PendingFrame): void {
    const since = this.#options.clock.monotonic();
    this.#waiting.set(entry.seq, { entry, since, stored: false, queued: false, ahead: false });
    this.#waitingBytes += entry.bytes;
    this.#store.push(entry);
  }

  /** Each frame once, in order. */
  #handToQueue(entries: readonly PendingFrame[]): void {
    for (const entry of entries) {
      if (entry.seq <= this.#handedUpTo) continue;
      this.#handedUpTo = entry.seq;
      this.#queue.push(entry);
    }
  }

  /** While the store is away: what is on disk need not wait for it to be judged. */
  #queueUnstored(): void {
    if (!this.#store.stalled && this.#store.down?.backend !== 'store') return;
    const entries = this.#store.backlog.after(this.#handedUpTo);
    const beyond = entries.findIndex(entry => !this.#options.spool.isWritten(entry));
    this.#handToQueue(entries.slice(0, beyond === -1 ? undefined : beyond));
  }

  /** `stored`: workers can read it; otherwise it is lost, and the next frame tells of it. */
  #forget({ entry, ahead }: Waiting, { stored }: { stored: boolean }): void {
    this.#waiting.delete(entry.seq);
    this.#waitingBytes -= entry.bytes;
    this.#unreadable.delete(entry.seq);
    this.#store.backlog.drop(entry);
    this.#queue.backlog.drop(entry);
    if (stored && !ahead) this.#options.spool.release(entry);
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
      for (const { seq } of batch) {
        const waiting = this.#waiting.get(seq);
        if (waiting) waiting.ahead = true;
      }
    } catch (error) {
      log.debug({ error: describeError(error) }, 'frames not stored ahead of their turn');
    }
  }

  #stored(batch: readonly PendingFrame[]): void {
    for (const entry of batch) {
      const waiting = this.#waiting.get(entry.seq);
      if (!waiting) continue;
      if (this.#unreadable.has(entry.seq)) {
        this.#forget(waiting, { stored: waiting.ahead });
        continue;
      }
      waiting.ahead = false;
      waiting.stored = true;
      this.#counts.stored++;
      this.#lastStored = entry.start;
      if (waiting.queued) this.#forget(waiting, { stored: true });
      else this.#handToQueue([entry]);
    }
    this.#settle();
  }

  #queued(batch: readonly PendingFrame[]): void {
    for (const entry of batch) {
      this.#counts[this.#unreadable.has(entry.seq) ? 'skipped' : 'queued']++;
      this.#doneWithQueue(entry);
    }
    this.#settle();
  }

  /** The queue is not asked again. A frame that the store does not have yet stays in the spool. */
  #doneWithQueue(entry: PendingFrame): void {
    const waiting = this.#waiting.get(entry.seq);
    if (!waiting) return;
    waiting.queued = true;
    if (waiting.stored) this.#forget(waiting, { stored: true });
  }

  /** What the store refuses is not queued after that, so that live detection and a review see the same frames. */
  #refused(by: 'store' | 'queue', entry: PendingFrame, error: unknown): void {
    this.#counts[by === 'store' ? 'refused' : 'skipped']++;
    const waiting = this.#waiting.get(entry.seq);
    if (by === 'queue') this.#doneWithQueue(entry);
    else if (waiting) this.#forget(waiting, { stored: false });
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
      const stored = queueing && this.#waiting.get(queueing.seq)?.stored ? queueing : null;
      const oldest = stored ?? this.#store.backlog.droppable(1);
      const gone = oldest && this.#waiting.get(oldest.seq);
      if (!gone || !this.#exceeded(gone)) break;
      const isSafe = gone.stored || gone.ahead;
      this.#counts[isSafe ? 'skipped' : 'dropped']++;
      this.#forget(gone, { stored: isSafe });
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
  #exceeded({ since }: Waiting): boolean {
    const { limits, spool, clock } = this.#options;
    return (
      this.#waiting.size > CAPS.waitingFrames.limit ||
      this.#waitingBytes > limits.bytes ||
      spool.status().unwrittenBytes > limits.memoryBytes ||
      clock.monotonic() - since > limits.ageMs
    );
  }

  #changed(): void {
    this.#queueUnstored();
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
    if (this.#waiting.size === 0) for (const drain of this.#drains) drain.abort();
  }
}
