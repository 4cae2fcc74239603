import type { Ack } from '../core/incident/ack.ts';
import type { Incident, Notification } from '../core/incident/incident.ts';
import type { Mark, NewMark } from '../core/incident/mark.ts';
import type { Silence } from '../core/incident/silence.ts';
import type { Interval } from '../core/interval.ts';

/**
 * Ownership for a limited time. `token` grows with every new ownership of a name. So the writes of an owner that was
 * paused past its lease can be told from those of its successor (fencing).
 */
export interface Lease {
  readonly name: string;
  readonly owner: string;
  readonly token: number;
}

/** What the fold knows of one host after its frame `last`. */
export interface Checkpoint {
  readonly host: string;
  /** Start of the last frame folded, epoch ms. */
  readonly last: number;
  /** Identifies the settings and the code that made it. A checkpoint of other settings is not used. */
  readonly fingerprint: string;
  /** JSON text. */
  readonly data: string;
}

/**
 * `pending`: to be tried. `held`: waits for the end of a silence or of an inhibiting incident. `grouped`: goes out in the
 * message of another one and shares its fate. Final are `delivered`, `dead` (given up), `silenced` (its incident ended
 * before what held it did) and `outdated` (no longer true when its turn came).
 */
export const DELIVERY_STATUSES = [
  'pending',
  'held',
  'grouped',
  'delivered',
  'dead',
  'silenced',
  'outdated',
] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** How a delivery stands. */
export interface DeliveryOutcome {
  readonly status: DeliveryStatus;
  /** Attempts made so far. */
  readonly attempts: number;
  /** Time of the next attempt, epoch ms. */
  readonly nextAttempt: number;
  /** Why the last attempt failed, or the stage and the reason that stopped it; or null. */
  readonly lastError: string | null;
  /** When the first attempt failed, epoch ms; absent while none has. */
  readonly failingSince?: number;
  /**
   * Keys of the others that its message tells as well: decided before the first attempt, and never changed, so that every
   * attempt sends the same. Absent: not decided yet.
   */
  readonly members?: readonly string[];
  /** Key of the delivery whose message tells it; absent: its own. */
  readonly within?: string;
}

/** A new outcome of the delivery with this key. */
export interface DeliveryChange {
  readonly key: string;
  readonly outcome: DeliveryOutcome;
}

/** A notification on its way. */
export interface Delivery extends DeliveryOutcome {
  readonly notification: Notification;
}

/** The newest frame of a host that its lane's owner has heard of. */
export interface LastSeen {
  readonly host: string;
  /** Start of that frame, epoch ms; it may be ten minutes older than the newest one. */
  readonly start: number;
  readonly durationMs: number;
  /** It says that its collector was stopped in good order. */
  readonly stopped: boolean;
}

/** What one folded frame changed. */
export interface Commit {
  readonly incidents: readonly Incident[];
  /** New notifications become pending deliveries; a known key is left as it is. */
  readonly notifications: readonly Notification[];
}

/**
 * What the processes of an installation share. One contract for each kind of user; a backend implements all of them.
 *
 * Methods that take a lease write only while that lease is the newest of its name and has not expired. Otherwise they
 * change nothing and return false. A backend that may have forgotten the last writes (Redis after a restart) ends all
 * leases of before: their owners start again from the newest checkpoint and redo what was forgotten.
 * All methods reject with a retriable ExchangeError while the backend is away.
 */
export type State = Leases &
  Workers &
  Checkpoints &
  Hosts &
  Incidents &
  Marks &
  Acks &
  Deliveries &
  Silences &
  StateAdmin;

/** Who owns what. */
export interface Leases {
  /** The lease, or null while somebody else holds it. Taking one's own again is a new ownership with a new token. */
  acquire(name: string, owner: string, ttlMs: number): Promise<Lease | null>;
  /** Extend the lease; false when it was lost. */
  renew(lease: Lease, ttlMs: number): Promise<boolean>;
  /** The same for several in one write; whether each of them is held, in their order. */
  renewAll(leases: readonly Lease[], ttlMs: number): Promise<boolean[]>;
  release(lease: Lease): Promise<void>;
}

/** How workers share the lanes. */
export interface Workers {
  /** Record the number of lanes at first use. Returns the recorded number, which the caller compares with its own. */
  agreeOnLanes(lanes: number): Promise<number>;
  /** The recorded number of lanes; null before the first use. */
  lanes(): Promise<number | null>;
  /** Say that this worker runs for at least `ttlMs`. Returns all workers that run, itself included, by code units. */
  announce(owner: string, ttlMs: number): Promise<string[]>;
  /** Say that this worker ends. */
  leave(owner: string): Promise<void>;
}

/** How far the frames of each host are folded. */
export interface Checkpoints {
  /** Replaces older ones of the same host, fingerprint and hour (of `last`, UTC). */
  saveCheckpoint(lease: Lease, checkpoint: Checkpoint): Promise<boolean>;
  /** The newest checkpoint of a host with this fingerprint, optionally with `last` < `before`. `prune` thins them out. */
  loadCheckpoint(host: string, fingerprint: string, before?: number): Promise<Checkpoint | null>;
  /** The greatest `last` of the checkpoints of a host, whatever their fingerprint; null when it has none. */
  foldedUpTo(host: string): Promise<number | null>;
}

/** Which hosts are expected to send frames: that is known for longer than the frames themselves are kept. */
export interface Hosts {
  /** Replaces what was known of the host. */
  saveLastSeen(lease: Lease, seen: LastSeen): Promise<boolean>;
  /** All hosts, in no particular order. */
  lastSeen(): Promise<LastSeen[]>;
}

/** Incidents, written with the notifications about them. */
export interface Incidents {
  /** Write incidents and queue notifications in one step. */
  commit(lease: Lease, change: Commit): Promise<boolean>;
  /** Incidents that were firing at any moment of the range, newest first, at most `limit`. */
  incidents(range: Interval, limit: number): Promise<Incident[]>;
  /** Incidents of a host that are firing, newest first. */
  openIncidents(host: string): Promise<Incident[]>;
  /** The incident with this id, or null. */
  incident(id: string): Promise<Incident | null>;
  /** Those of these ids that are known, by id, in one read. */
  incidentsOf(ids: readonly string[]): Promise<Map<string, Incident>>;
}

/** What people said of incidents. */
export interface Marks {
  /** Keep a mark; its number grows with every one. Null, having changed nothing, when CAPS.marks are kept. */
  saveMark(mark: NewMark): Promise<Mark | null>;
  /** Marks of a host (null: of all) with a number above `after`, in the order of their numbers. */
  marks(host: string | null, after?: number): Promise<Mark[]>;
  /**
   * Marks of the host that have no `from` yet count in frames that start at `from`, epoch ms, or when the mark was made,
   * whichever is later. It never changes again: so all who judge these frames judge them alike.
   */
  beginMarks(lease: Lease, host: string, from: number): Promise<boolean>;
}

/** Who has taken incidents on. */
export interface Acks {
  /** Keep an acknowledgement in place of that of its incident. False, having changed nothing, when CAPS.acks others are kept. */
  saveAck(ack: Ack): Promise<boolean>;
  /** All that are kept, the oldest first: as long as their incidents. */
  acks(): Promise<Ack[]>;
}

/** Notifications on their way; `Incidents.commit` queues them. */
export interface Deliveries {
  /**
   * Pending deliveries of a receiver that are due: all that fire before all that are over, as nobody should miss an alarm
   * for an all-clear. Of each, those never tried come first, by arrival, then the others by the time of their next attempt.
   * A resolved one waits while the firing one of its incident is pending, held or grouped. The cost grows with `limit`, not with
   * what waits.
   */
  dueDeliveries(receiver: string, now: number, limit: number): Promise<Delivery[]>;
  /** Record how an attempt ended. */
  updateDelivery(lease: Lease, key: string, outcome: DeliveryOutcome): Promise<boolean>;
  /** The same for several in one step, each with its own outcome. */
  updateDeliveries(lease: Lease, changes: readonly DeliveryChange[]): Promise<boolean>;
  /** The delivery with this key, or null. */
  delivery(key: string): Promise<Delivery | null>;
  /** Those of these keys that are known, by key, in one read. */
  deliveriesOf(keys: readonly string[]): Promise<Map<string, Delivery>>;
  /** All deliveries about an incident, in order of arrival. The cost grows with these alone. */
  deliveriesAbout(incident: string): Promise<Delivery[]>;
  /** Keys of all deliveries of a status, in order of arrival. */
  deliveryKeys(status: DeliveryStatus): Promise<string[]>;
  /** Deliveries of a status, newest first. */
  deliveries(status: DeliveryStatus, limit: number): Promise<Delivery[]>;
  /** The receiver asked to be left alone until `until`, epoch ms: whoever delivers after this process keeps to it. */
  savePause(lease: Lease, receiver: string, until: number): Promise<boolean>;
  /** Until when the receiver asked to be left alone, epoch ms, which may be over; null: it did not ask. */
  pauseOf(receiver: string): Promise<number | null>;
}

/** Who wants to hear nothing of what, for a while. */
export interface Silences {
  /**
   * Write a silence, or a new form of the one with its id. False, having changed nothing, when CAPS.silences others end
   * after `now`, epoch ms.
   */
  saveSilence(silence: Silence, now: number): Promise<boolean>;
  /** Those that end after `after`, epoch ms; the first to end first. */
  silences(after: number): Promise<Silence[]>;
}

/** Opening, forgetting, closing. */
export interface StateAdmin {
  /** Check that the backend is reachable and usable. Returns one line for people. */
  open(): Promise<string>;
  /**
   * Forget what is older than `before`: resolved incidents and their acknowledgements, finished deliveries, silences that
   * ended, pauses that are over, marks that have moved nothing since, checkpoints and when hosts were last seen, and so
   * all that is known of a host that is gone. Of newer checkpoints stay, of each host and fingerprint, the newest, one an
   * hour for two days, then one a day.
   */
  prune(now: number, before: number): Promise<void>;
  close(): Promise<void>;
}
