import type { Incident, Notification } from '../core/incident/incident.ts';
import type { Silence } from '../core/incident/silence.ts';

/**
 * Ownership for a limited time. `token` grows with every new ownership of a name, so that writes of an owner who
 * was paused past his lease can be told from those of his successor (fencing).
 */
export interface Lease {
  readonly name: string;
  readonly owner: string;
  readonly token: number;
}

/** The fold's state of one host after its frame `last`. */
export interface Checkpoint {
  readonly host: string;
  /** Start of the last frame folded, epoch ms. */
  readonly last: number;
  /** Identifies settings and code that made it: a checkpoint of other settings is not used. */
  readonly fingerprint: string;
  /** JSON text. */
  readonly data: string;
}

/**
 * `pending` is to be tried, `held` waits for the end of a silence. The others are final: `delivered`, `dead` (given up), or
 * `silenced` (what it is about was over before the silence was).
 */
export const DELIVERY_STATUSES = ['pending', 'held', 'delivered', 'dead', 'silenced'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** A notification on its way. */
export interface Delivery {
  readonly notification: Notification;
  readonly status: DeliveryStatus;
  /** Attempts made so far. */
  readonly attempts: number;
  /** Not to be tried before, epoch ms. */
  readonly nextAttempt: number;
  /** Why the last attempt failed, or by what it is silenced; or null. */
  readonly lastError: string | null;
}

/** What one folded frame changed. */
export interface Commit {
  readonly incidents: readonly Incident[];
  /** New notifications become pending deliveries; a key that is known already is left as it is. */
  readonly notifications: readonly Notification[];
}

/**
 * What workers share: who owns what, how far they are, incidents, deliveries. Methods that take a lease write only
 * while that lease is the newest of its name and not expired; they return false, having changed nothing, otherwise.
 * A backend that may have forgotten the last writes (Redis after a restart) lets all leases of before end: their owners
 * start again from the newest checkpoint, and do again what was forgotten.
 * All reject with a retriable ExchangeError when the backend is away.
 */
export interface State {
  /** Reachable and usable? Returns one line for people. */
  open(): Promise<string>;

  /** Record the number of lanes at first use; returns the recorded number, which the caller compares with its own. */
  agreeOnLanes(lanes: number): Promise<number>;

  /** The lease, or null while somebody else holds it. Taking one's own again is a new ownership with a new token. */
  acquire(name: string, owner: string, ttlMs: number): Promise<Lease | null>;
  /** Extend; false when it was lost. */
  renew(lease: Lease, ttlMs: number): Promise<boolean>;
  release(lease: Lease): Promise<void>;

  /** Say that this worker will be there for `ttlMs`; returns all workers that are, itself included, sorted by code units. */
  announce(owner: string, ttlMs: number): Promise<string[]>;
  /** Say that it ends. */
  leave(owner: string): Promise<void>;

  /** Replaces those of the same host, fingerprint and hour (of `last`, UTC) that are older. */
  saveCheckpoint(lease: Lease, checkpoint: Checkpoint): Promise<boolean>;
  /** The newest checkpoint of a host with this fingerprint, optionally with `last` < `before`. History is kept (`prune`). */
  loadCheckpoint(host: string, fingerprint: string, before?: number): Promise<Checkpoint | null>;

  /** The greatest `last` of all checkpoints of a host, whatever their fingerprint; null when there never was one. */
  foldedUpTo(host: string): Promise<number | null>;

  /** Write incidents and queue notifications in one step. */
  commit(lease: Lease, change: Commit): Promise<boolean>;
  /** Incidents that were firing at any moment of [from, to), newest first, at most `limit`. */
  incidents(range: { from: number; to: number }, limit: number): Promise<Incident[]>;
  /** Incidents of a host that are firing, newest first. */
  openIncidents(host: string): Promise<Incident[]>;

  /**
   * Pending deliveries of a receiver that are due, oldest first; for one incident firing comes before resolved, which
   * waits while firing is pending or held.
   */
  dueDeliveries(receiver: string, now: number, limit: number): Promise<Delivery[]>;
  /** Record an attempt's outcome. */
  updateDelivery(lease: Lease, key: string, outcome: Omit<Delivery, 'notification'>): Promise<boolean>;
  /** The delivery with this key, or null. */
  delivery(key: string): Promise<Delivery | null>;
  /** Deliveries of a status, newest first. */
  deliveries(status: DeliveryStatus, limit: number): Promise<Delivery[]>;

  /**
   * Write a silence, or another form of one that is known by its id. False, having changed nothing, when there are
   * CAPS.silences others that end after `now`, epoch ms.
   */
  saveSilence(silence: Silence, now: number): Promise<boolean>;
  /** Those that end after `after`, epoch ms, the first to end first. */
  silences(after: number): Promise<Silence[]>;

  /**
   * Forget what is older than `before`: resolved incidents, finished deliveries, silences that ended, checkpoints (the
   * newest of each host and fingerprint stays; of the others one an hour younger than two days, one a day after that).
   */
  prune(now: number, before: number): Promise<void>;
  close(): Promise<void>;
}
