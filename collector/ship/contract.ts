import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Backoff } from '../../core/retry.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Queue } from '../../queue/contract.ts';
import type { FrameStore } from '../../store/contract.ts';
import type { Spool, SpoolStatus } from './spool/spool.ts';

export interface ShipperOptions {
  store: Pick<FrameStore, 'writeFrames'>;
  queue: Pick<Queue, 'publish'>;
  /** Where frames wait. What an earlier process left in it is shipped first. */
  spool: Pick<Spool, 'append' | 'read' | 'isWritten' | 'release' | 'drop' | 'recovered' | 'status'>;
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
  /** Not stored yet, or not queued yet. */
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
 * workers fold them in order. A frame leaves the spool when the store and the queue have taken it. While many wait, the
 * store also gets the newest ahead of their turn: dashboards show the present while workers catch up.
 *
 * A frame is queued once the store has acknowledged it: a worker that is handed a frame finds it and all its
 * predecessors in the store. But alarms must not wait for a database: while the store is away, or a request takes longer
 * than two seconds, frames are queued as soon as they are on disk, where nothing but a lost disk can take them from the
 * store. They are stored later, and not queued a second time. While the queue is away storing goes on, and frames that
 * only wait for the queue are dropped first when a limit is reached: workers can read them from the store.
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
