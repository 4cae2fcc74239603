import type { Annotation, Detection } from '../core/incident/incident.ts';
import type { Frame } from '../core/traffic/frame.ts';
import type { Rollup } from '../core/traffic/rollup.ts';
import type { FlowTotal } from '../core/traffic/service-map.ts';

/** A half-open stretch of time [from, to), epoch milliseconds. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What `doctor` shows of a store. */
export interface StoreInfo {
  /** Product and version, such as `SQLite 3.53.4` or `InfluxDB 1.6.7`. */
  readonly product: string;
  /** Where the data is: a file or an address with the database. No secrets. */
  readonly location: string;
}

/**
 * The time-series database: the truth. Points are idempotent: writing the same thing again changes nothing.
 * Every method rejects with an ExchangeError (core/errors.ts) that says whether trying again can help; a write that
 * has resolved has been acknowledged by the database. Text comes back exactly as it went in.
 */
export interface Store {
  /** Reachable, right version, usable credentials? Creates what it needs (file, schema, database) when it may. */
  open(): Promise<StoreInfo>;

  /**
   * Write whole frames of any hosts. A reader sees a frame only once all of it is stored.
   * A frame that exists already (host and start) is written again with the same result.
   *
   * `ahead`: earlier frames of the host are still to come. Sums, series and pictures have these frames at once;
   * `readFrames` ends before them until they are written in their turn, for whoever folds must not skip what is
   * missing; or until a later frame is, for then what is missing was given up.
   */
  writeFrames(frames: readonly Frame[], options?: { readonly ahead?: boolean }): Promise<void>;
  /** Frames of one host whose start lies in the range, ascending, exactly as they were written; reads in bounded chunks. */
  readFrames(host: string, range: Range): AsyncIterable<Frame>;
  /** The newest frame's start and end, optionally only among those that start before `before`; null when there is none. */
  lastFrame(host: string, before?: number): Promise<{ start: number; end: number } | null>;
  /** Start of the newest frame that was written in its turn (not `ahead`), or null: whatever comes is newer. */
  lastInTurn(host: string): Promise<number | null>;
  /** Start of the oldest stored frame, or null. */
  firstFrame(host: string): Promise<number | null>;
  /** All hosts with frames, sorted. */
  hosts(): Promise<string[]>;

  /** Sums over the frames of one host that start in the range, in the order of `compareFlows`. */
  readFlows(host: string, range: Range): Promise<FlowTotal[]>;

  writeDetections(rows: readonly Detection[]): Promise<void>;
  /** Detections of one host in the range, by start, then container. */
  readDetections(host: string, range: Range): Promise<Detection[]>;

  /** Write or grow annotations: one per id. Never shrinks a region, never reopens a resolved one. */
  writeAnnotations(annotations: readonly Annotation[]): Promise<void>;
  /** Annotations of all hosts (or one) whose region touches the range, by start, then id. */
  readAnnotations(range: Range, host?: string): Promise<Annotation[]>;

  /**
   * Bring the tiers of a host (core/traffic/rollup.ts) up to date for all buckets that lie wholly in the finite range; late
   * frames make their bucket anew. Returns how many buckets were written; done again, it writes none.
   */
  rollUp(host: string, range: Range): Promise<number>;
  /**
   * A host's traffic in buckets of `stepMs`, ascending: all that the range touches, those without a frame left out.
   * From the coarsest tier that the step is a multiple of; what a tier lacks (yet) comes from the finer ones.
   */
  readSeries(host: string, range: Range, stepMs: number): AsyncIterable<Rollup>;
  /** Delete what is older than the configured retention at `now`, unless the database does so by itself; returns rows. */
  expire(now: number): Promise<number>;
  /** Set up database, tiers and retention as configured; one line for each thing that was done or found as it should be. */
  init(): Promise<string[]>;

  close(): Promise<void>;
}
