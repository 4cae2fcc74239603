import type { Annotation, Detection } from '../core/incident/incident.ts';
import type { ExpectedRange } from '../core/incident/normal.ts';
import type { Interval } from '../core/interval.ts';
import type { Frame } from '../core/traffic/frame.ts';
import type { Rollup } from '../core/traffic/rollup.ts';
import type { FlowTotal } from '../core/traffic/service-map.ts';

/**
 * The time-series database: the truth. One contract for each kind of user; a backend implements all of them.
 *
 * Writes are idempotent: writing the same thing again changes nothing. Every method rejects with an ExchangeError
 * (core/errors.ts) that says whether trying again can help. A write that has resolved was acknowledged by the database.
 * Text comes back exactly as it was written.
 */
export type Store = FrameStore & TrafficStore & IncidentStore & StoreAdmin & SharedStore;

/** Frames as they were captured. */
export interface FrameStore {
  /**
   * Write whole frames of any hosts. A reader sees a frame only once all of it is stored.
   * A frame that is stored already (same host and start) stays as it is.
   *
   * `ahead`: earlier frames of the host are still to come. Flows and series include these frames at once. `readFrames`
   * stops before them until they are written again without `ahead`, because a reader that judges frames in order must
   * not skip the missing ones; or until a later frame is written without `ahead`, because then the missing ones were
   * given up.
   */
  writeFrames(frames: readonly Frame[], options?: { readonly ahead?: boolean }): Promise<void>;
  /** Frames of one host that start in the range, ascending, exactly as they were written. Reads in bounded chunks. */
  readFrames(host: string, range: Interval): AsyncIterable<Frame>;
  /** When the newest frame was, optionally only of those that start before `before`; null: there is none. */
  lastFrame(host: string, before?: number): Promise<Interval | null>;
  /** Start of the newest frame that was written without `ahead`, or null. */
  lastInTurn(host: string): Promise<number | null>;
  /** Start of the oldest frame, or null. */
  firstFrame(host: string): Promise<number | null>;
  /**
   * All hosts with frames, sorted. With `since`, epoch ms, those without a frame from then on may be left out: then a
   * database need not look into all that it has.
   */
  hosts(since?: number): Promise<string[]>;
}

/** Sums over frames: flows, and the tiers of coarser buckets (core/traffic/rollup.ts). */
export interface TrafficStore {
  /**
   * Flows added up over the frames of one host that start in the range, in the order of `compareFlows`. Whole buckets come
   * from the tiers, where CAPS.flowRows bounds the flows of a container: sums are exact, the lightest may be `other`.
   */
  readFlows(host: string, range: Interval): Promise<FlowTotal[]>;
  /**
   * Bring the tiers of a host up to date for all buckets that lie wholly in the finite range. Late frames make their
   * bucket anew. Returns how many buckets were written: none when it is done again.
   */
  rollUp(host: string, range: Interval): Promise<number>;
  /**
   * A host's traffic in buckets of `stepMs`, ascending: all buckets that the range touches, without empty ones. Read
   * from the coarsest tier that the step is a multiple of; what that tier lacks comes from finer ones. Without `sizes`
   * histograms may be empty: who needs counts only has them sooner.
   */
  readSeries(
    host: string,
    range: Interval,
    stepMs: number,
    options?: { readonly sizes?: boolean },
  ): AsyncIterable<Rollup>;
}

/** What detectors found. */
export interface IncidentStore {
  writeDetections(rows: readonly Detection[]): Promise<void>;
  /** Detections of one host in the range, by start, then container. */
  readDetections(host: string, range: Interval): Promise<Detection[]>;
  /** One row for each frame, container, rule, direction and metric. Kept as long as detections. */
  writeExpected(rows: readonly ExpectedRange[]): Promise<void>;
  /** What was expected of one host's containers in the range, in the order of `compareExpected` (check.ts). */
  readExpected(host: string, range: Interval): Promise<ExpectedRange[]>;
  /** Write annotations, one per id. A later version may grow or resolve one; nothing shrinks or reopens it. */
  writeAnnotations(annotations: readonly Annotation[]): Promise<void>;
  /** Annotations of all hosts (or one) whose region touches the range, by start, then id. */
  readAnnotations(range: Interval, host?: string): Promise<Annotation[]>;
}

/** Who writes a host's frames, where several machines may share the store. */
export interface SharedStore {
  /** Null where only one machine can write: a file. */
  readonly claims: HostClaims | null;
}

/** What a collector says of itself. */
export interface HostClaim {
  readonly host: string;
  /** Of the installation: it stays the same when its process is started again. */
  readonly instance: string;
  /** Of the process. */
  readonly run: string;
  /** The name that its machine has for itself. */
  readonly machine: string;
  /** When it took the name, epoch ms by its own clock. */
  readonly since: number;
  /** When it said last that it has the name, epoch ms by its own clock; the same below zero: it has given it up. */
  readonly renewed: number;
}

/** Claims of names of hosts. Nothing is exclusive here: who writes must look for others, again and again. */
export interface HostClaims {
  /** Replaces the claim of the same host and instance. */
  write(claim: HostClaim): Promise<void>;
  /** The newest claim of each instance, of those that were renewed in the last hour before `now`, epoch ms. */
  read(host: string, now: number): Promise<HostClaim[]>;
}

/** What `doctor` shows of a store. */
export interface StoreInfo {
  /** Product and version, such as `SQLite 3.53.4` or `InfluxDB 1.6.7`. */
  readonly product: string;
  /** Where the data is: a file, or an address with the database. No secrets. */
  readonly location: string;
}

/** Opening, setting up, deleting old data. */
export interface StoreAdmin {
  /** Check that the database is reachable, of a supported version, and that the credentials work. Creates what is missing. */
  open(): Promise<StoreInfo>;
  /** Set up database, tiers and retention as configured. Returns one line for each thing that was done or was right. */
  init(): Promise<string[]>;
  /** Delete what is older than the configured retention at `now`. Returns how many rows; 0 where the database does it. */
  expire(now: number): Promise<number>;
  close(): Promise<void>;
}
