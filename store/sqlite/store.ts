import type { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { isBusy, openFailure } from '../../backends/sqlite/failure.ts';
import { openDatabase, openReadOnly } from '../../backends/sqlite/open.ts';
import type { Annotation, Detection } from '../../core/incident/incident.ts';
import type { ExpectedRange } from '../../core/incident/normal.ts';
import type { Interval } from '../../core/interval.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { FOREVER, type Retention, type Rollup } from '../../core/traffic/rollup.ts';
import type { FlowTotal } from '../../core/traffic/service-map.ts';
import {
  checkDetection,
  checkExpected,
  checkFrame,
  compareDetections,
  compareExpected,
  notOpen,
} from '../check.ts';
import type { Store, StoreInfo } from '../contract.ts';
import { flowsIn, readFlows } from '../flow-tiers.ts';
import { rollUpSome } from '../roll-up.ts';
import { checkStep, readSeries, retentionLines, trafficIn } from '../tiers.ts';
import { breathe, STORE_FILE, snapshot, stepwise, transaction } from './database.ts';
import { FrameTables, sqlTime } from './frames.ts';
import { type ExpectedPosition, IncidentTables, type Position } from './incidents.ts';
import { Names } from './names.ts';
import { Threads } from './threads.ts';
import { SqliteTiers } from './tiers.ts';

/** Rows that one transaction writes or one step reads: a few milliseconds of a blocked event loop. */
const STEP_ROWS = 2000;
/** Longest time that a writer elsewhere blocks the event loop at once, and how often it is waited for, with pauses. */
const BLOCKED_MS = 20;
const ATTEMPTS = 20;
/** Pause before the next attempt, ms. */
const PAUSE_MS = 30;
/** Frames that are rolled up here, in steps; more of them, by a thread: starting one costs more than a minute's frames. */
const IN_PLACE_FRAMES = 120;

interface Opened {
  readonly db: DatabaseSync;
  readonly names: Names;
  readonly frames: FrameTables;
  readonly incidents: IncidentTables;
  readonly tiers: SqliteTiers;
}

/** One SQLite file, which several processes may have open at once. */
export class SqliteStore implements Store {
  /** The data directory is locked, and a file is on one machine. */
  readonly claims = null;
  readonly #file: string;
  readonly #retention: Retention;
  readonly #readOnly: boolean;
  readonly #threads = new Threads();
  /** Those under way on this connection. */
  readonly #rollUps = new Set<Promise<unknown>>();
  #opened: Opened | null = null;

  /**
   * `file`: path of the database, created by `open` together with its folder; with `readOnly` it must be there, and
   * every write fails. Without `retention` nothing expires.
   */
  constructor(file: string, retention: Retention = FOREVER, options: { readOnly?: boolean } = {}) {
    this.#file = file;
    this.#retention = retention;
    this.#readOnly = options.readOnly === true;
  }

  async open(): Promise<StoreInfo> {
    this.#opened?.db.close();
    this.#opened = null;
    const db = (this.#readOnly ? openReadOnly : openDatabase)(this.#file, STORE_FILE);
    try {
      db.exec(`PRAGMA busy_timeout = ${BLOCKED_MS}`);
      const names = new Names(db);
      const frames = new FrameTables(db, names);
      const incidents = new IncidentTables(db, names);
      const version = db.prepare('SELECT sqlite_version() AS version').get()?.version;
      this.#opened = { db, names, frames, incidents, tiers: new SqliteTiers(db, this.#file) };
      return { product: `SQLite ${version}`, location: this.#file };
    } catch (error) {
      // Tables that are not as this version made them.
      db.close();
      throw openFailure(this.#file, error, STORE_FILE.damaged);
    }
  }

  async writeFrames(frames: readonly Frame[], { ahead = false } = {}): Promise<void> {
    for (const frame of frames) checkFrame(frame);
    await this.#write(
      frames,
      frame => 1 + frame.containers.length + frame.flows.length + frame.connections.length,
      (tables, frame) => tables.frames.insert(frame, ahead),
    );
  }

  readFrames(host: string, range: Interval): AsyncIterable<Frame> {
    return stepwise(range, part => this.#read(({ frames }) => frames.step(host, part, { withAhead: false })));
  }

  readFlows(host: string, range: Interval): Promise<FlowTotal[]> {
    return readFlows(this.#open().tiers.flows, host, range);
  }

  async lastFrame(host: string, before = Number.POSITIVE_INFINITY) {
    return this.#read(({ frames }) => frames.last(host, before));
  }

  async lastInTurn(host: string): Promise<number | null> {
    return this.#read(({ frames }) => frames.lastInTurn(host));
  }

  async firstFrame(host: string): Promise<number | null> {
    return this.#read(({ frames }) => frames.first(host));
  }

  async hosts(): Promise<string[]> {
    return this.#read(({ frames }) => frames.hosts());
  }

  async writeDetections(rows: readonly Detection[]): Promise<void> {
    for (const row of rows) checkDetection(row);
    await this.#write(
      rows,
      () => 1,
      (tables, row) => tables.incidents.putDetection(row),
    );
  }

  async readDetections(host: string, range: Interval): Promise<Detection[]> {
    const first: Position = { time: sqlTime(range.from) - 1, series: Number.MAX_SAFE_INTEGER };
    const found = await this.#readOn(first, (incidents, after) =>
      incidents.detections(host, after, range.to, STEP_ROWS),
    );
    return found.sort(compareDetections);
  }

  async writeExpected(rows: readonly ExpectedRange[]): Promise<void> {
    for (const row of rows) checkExpected(row);
    await this.#write(
      rows,
      () => 1,
      (tables, row) => tables.incidents.putExpected(row),
    );
  }

  async readExpected(host: string, range: Interval): Promise<ExpectedRange[]> {
    const first: ExpectedPosition = [sqlTime(range.from) - 1, Number.MAX_SAFE_INTEGER, '', '', ''];
    const found = await this.#readOn(first, (incidents, after) =>
      incidents.expected(host, after, range.to, STEP_ROWS),
    );
    return found.sort(compareExpected);
  }

  async writeAnnotations(annotations: readonly Annotation[]): Promise<void> {
    await this.#write(
      annotations,
      () => 1,
      (tables, annotation) => tables.incidents.putAnnotation(annotation),
    );
  }

  async readAnnotations(range: Interval, host?: string): Promise<Annotation[]> {
    const all = this.#read(({ incidents }) => incidents.annotations(range));
    return host === undefined ? all : all.filter(annotation => annotation.host === host);
  }

  async rollUp(host: string, range: Interval): Promise<number> {
    const some = this.#rollUpSome(host, range).catch((error: unknown) => {
      // A thread may wait for the lock without holding up everything else.
      if (error instanceof Error && isBusy(error.cause)) return { written: 0, complete: false };
      throw error;
    });
    this.#rollUps.add(some);
    const { written, complete } = await some.finally(() => this.#rollUps.delete(some));
    if (complete) return written;
    return written + (await this.#threads.run({ kind: 'roll-up', file: this.#file, host, range }));
  }

  async #rollUpSome(host: string, range: Interval): Promise<{ written: number; complete: boolean }> {
    const { tiers } = this.#open();
    const traffic = await rollUpSome(trafficIn(tiers), host, range, IN_PLACE_FRAMES);
    if (!traffic.complete) return traffic;
    const { written, complete } = await rollUpSome(flowsIn(tiers.flows), host, range, IN_PLACE_FRAMES);
    return { written: traffic.written + written, complete };
  }

  readSeries(
    host: string,
    range: Interval,
    stepMs: number,
    { sizes = true }: { readonly sizes?: boolean } = {},
  ): AsyncIterable<Rollup> {
    checkStep(stepMs);
    const { tiers } = this.#open();
    // Who only reads captures nothing meanwhile: a thread would cost more than it spares.
    if (this.#readOnly) return readSeries(sizes ? tiers : tiers.withoutSizes(), host, range, stepMs);
    return this.#threads.read({ kind: 'series', file: this.#file, host, range, stepMs });
  }

  async expire(now: number): Promise<number> {
    this.#open();
    return this.#threads.run({ kind: 'expire', file: this.#file, now, retention: this.#retention });
  }

  async init(): Promise<string[]> {
    const { product, location } = await this.open();
    return [`${location}: ready (${product})`, ...retentionLines(this.#retention)];
  }

  async close(): Promise<void> {
    await Promise.all([this.#threads.stop(), Promise.allSettled(this.#rollUps)]);
    this.#opened?.db.close();
    this.#opened = null;
  }

  /** Write items in transactions of at most STEP_ROWS rows; an item is never split. */
  async #write<T>(
    items: readonly T[],
    rowsOf: (item: T) => number,
    put: (tables: Opened, item: T) => void,
  ): Promise<void> {
    let next = 0;
    let attempts = 0;
    while (next < items.length) {
      const opened = this.#open();
      try {
        next = transaction(opened.db, this.#file, () => {
          let i = next;
          for (let rows = 0; i < items.length && rows < STEP_ROWS; i++) {
            const item = items[i] as T;
            put(opened, item);
            rows += rowsOf(item);
          }
          return i;
        });
      } catch (error) {
        opened.names.forget();
        // Not one long wait: everything else in this process would stand still.
        if (!(error instanceof Error && isBusy(error.cause)) || ++attempts === ATTEMPTS) throw error;
        await setTimeout(PAUSE_MS);
        continue;
      }
      attempts = 0;
      if (next < items.length) await breathe();
    }
  }

  /** All rows that `step` finds from a position on, which says where to go on; others have their turn in between. */
  async #readOn<T, P>(
    first: P,
    step: (incidents: IncidentTables, after: P) => [T[], P | null],
  ): Promise<T[]> {
    const found: T[] = [];
    let after: P | null = first;
    while (after !== null) {
      const position: P = after;
      const [rows, next] = this.#read(({ incidents }) => step(incidents, position));
      found.push(...rows);
      after = next;
      await breathe();
    }
    return found;
  }

  #read<T>(body: (tables: Opened) => T): T {
    const opened = this.#open();
    return snapshot(opened.db, this.#file, () => body(opened));
  }

  #open(): Opened {
    if (this.#opened) return this.#opened;
    throw notOpen(this.#file);
  }
}
