import { ExchangeError, printable } from '../../core/errors.ts';
import { compareText, type Frame, frameEnd } from '../../core/frame.ts';
import type { Annotation, Detection } from '../../core/incident.ts';
import type { Log } from '../../core/log.ts';
import { FOREVER, type Retention, type Rollup } from '../../core/rollup.ts';
import type { FlowTotal } from '../../core/service-map.ts';
import { mergeAll, mergeAnnotation, touches } from '../annotation.ts';
import { checkDetection, checkFrame, compareDetections } from '../check.ts';
import type { Range, Store, StoreInfo } from '../contract.ts';
import { addTotals, EXCHANGE_SUMS } from '../flow.ts';
import { type FrameHead, withinRows } from '../page.ts';
import { integer, type Row, text } from '../row.ts';
import { decodeTag } from '../text.ts';
import { readSeries, rollUp } from '../tiers.ts';
import { apiOf, connectionTo, type InfluxConfig, serverVersion } from './connect.ts';
import { InfluxFailure, strangeAnswer } from './failure.ts';
import { frameOf, headOf, totalOf } from './frames.ts';
import type { Connection } from './http.ts';
import { annotationOf, detectionOf } from './incidents.ts';
import { epoch, inRange, tagLiteral, within } from './influxql.ts';
import {
  annotationLine,
  connectionLines,
  detectionLine,
  flowLines,
  frameLine,
  trafficLines,
} from './line.ts';
import { allRows, firstRow, pages } from './pages.ts';
import { query } from './query.ts';
import { ensureDatabase, hasTiers, setUp } from './setup.ts';
import type { Target } from './target.ts';
import { InfluxTiers } from './tiers.ts';
import { lineWriter } from './write.ts';

/** Frames asked for at once, and containers of them: a few megabytes of answer. */
const STEP_FRAMES = 256;
const STEP_CONTAINERS = 2000;
/** Annotations named in one query. */
const STEP_IDS = 100;

interface Opened {
  readonly target: Target;
  readonly hasTiers: boolean;
}

const ALL_TIME = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/** InfluxDB 1.6 or newer, 2.x, 3 Core: written with the official client, read with InfluxQL. */
export class InfluxStore implements Store {
  readonly #config: InfluxConfig;
  readonly #log: Log;
  readonly #connection: Connection;
  readonly #retention: Retention;
  readonly #tiers: InfluxTiers;
  #opened: Opened | null = null;

  /** `retention`: what `init` sets, and what a database is created with; without it nothing expires. */
  constructor(config: InfluxConfig, log: Log, retention: Retention = FOREVER) {
    this.#config = config;
    this.#log = log;
    this.#retention = retention;
    this.#connection = connectionTo(config);
    this.#tiers = new InfluxTiers({
      place: this.#connection.url,
      query: (statement, policy) => this.#query(statement, policy),
      write: (lines, policy) => this.#write(lines, policy),
      frames: (host, range) => this.#frames(host, range, { withAhead: true }),
    });
  }

  async open(): Promise<StoreInfo> {
    try {
      const { target, version } = await this.#find();
      await ensureDatabase(this.#connection, target, this.#retention);
      this.#opened = { target, hasTiers: await this.#findTiers(target) };
      return {
        product: `InfluxDB ${version ?? `of API ${target.api}`}`,
        location: `${this.#connection.url} ${printable(target.database)}`,
      };
    } catch (error) {
      throw error instanceof InfluxFailure ? error.whileOpening() : error;
    }
  }

  /** The row of `host_frames` is written once all else is stored: readers look for it first. */
  async writeFrames(frames: readonly Frame[], options: { readonly ahead?: boolean } = {}): Promise<void> {
    for (const frame of frames) checkFrame(frame);
    await this.#write(
      frames.flatMap(frame => [...trafficLines(frame), ...flowLines(frame), ...connectionLines(frame)]),
    );
    await this.#write(frames.map(frame => frameLine(frame, options)));
  }

  readFrames(host: string, range: Range): AsyncIterable<Frame> {
    return this.#frames(host, range, { withAhead: false });
  }

  async *#frames(
    host: string,
    range: Range,
    { withAhead }: { readonly withAhead: boolean },
  ): AsyncIterable<Frame> {
    const marks = pages(
      range,
      part =>
        this.#query(
          `SELECT * FROM host_frames WHERE ${inRange(host, part)} ORDER BY time LIMIT ${STEP_FRAMES}`,
        ),
      { limit: STEP_FRAMES },
    );
    for await (const page of marks) {
      const heads = this.#understood(() => page.map(row => headOf(host, row)));
      let rest: readonly FrameHead[] = withAhead ? heads : heads.filter(({ ahead }) => !ahead);
      while (rest.length > 0) {
        const step = withinRows(rest, STEP_CONTAINERS);
        yield* await this.#completed(host, step);
        rest = rest.slice(step.length);
      }
    }
  }

  async readFlows(host: string, range: Range): Promise<FlowTotal[]> {
    const tags = 'container, service, protocol, role, peer_kind, peer, port';
    const rows = await allRows(range, part =>
      this.#query(
        `SELECT ${EXCHANGE_SUMS} FROM container_flows WHERE ${inRange(host, part)} GROUP BY ${tags}`,
      ),
    );
    return this.#understood(() => addTotals(rows.map(totalOf)));
  }

  async lastFrame(host: string, before = Number.POSITIVE_INFINITY) {
    const row = await firstRow(
      { ...ALL_TIME, to: before },
      part =>
        this.#query(
          `SELECT duration_ms FROM host_frames WHERE ${inRange(host, part)} ORDER BY time DESC LIMIT 1`,
        ),
      { newestFirst: true },
    );
    if (!row) return null;
    return this.#understood(() => {
      const start = integer(row, 'time');
      return { start, end: frameEnd({ start, durationMs: integer(row, 'duration_ms') }) };
    });
  }

  async firstFrame(host: string): Promise<number | null> {
    const row = await firstRow(ALL_TIME, part =>
      this.#query(`SELECT duration_ms FROM host_frames WHERE ${inRange(host, part)} ORDER BY time LIMIT 1`),
    );
    return row ? this.#understood(() => integer(row, 'time')) : null;
  }

  async hosts(): Promise<string[]> {
    // Without times, 3 names the hosts of the last day.
    const rows = await allRows(ALL_TIME, part =>
      this.#query(`SHOW TAG VALUES FROM host_frames WITH KEY = host WHERE ${within(part)}`),
    );
    const names = this.#understood(() => rows.map(row => decodeTag(text(row, 'value'))));
    return [...new Set(names)].sort(compareText);
  }

  async writeDetections(rows: readonly Detection[]): Promise<void> {
    for (const row of rows) checkDetection(row);
    await this.#write(rows.map(detectionLine));
  }

  async readDetections(host: string, range: Range): Promise<Detection[]> {
    const rows = await allRows(range, part =>
      this.#query(`SELECT * FROM detections WHERE ${inRange(host, part)}`),
    );
    return this.#understood(() => rows.map(row => detectionOf(host, row)).sort(compareDetections));
  }

  /**
   * Reads what is stored, merges, writes. Between the two a second worker may write; what it can undo is only what
   * `annotationLine` says: never a resolution, and a region's growth until the next write.
   */
  async writeAnnotations(annotations: readonly Annotation[]): Promise<void> {
    const written = mergeAll(annotations);
    const stored = new Map<string, Annotation>();
    for (let i = 0; i < written.length; i += STEP_IDS) {
      for (const known of await this.#stored(written.slice(i, i + STEP_IDS))) stored.set(known.id, known);
    }
    const merged = written.map(annotation => {
      const known = stored.get(annotation.id);
      return known ? mergeAnnotation(known, annotation) : annotation;
    });
    await this.#write(merged.map(annotationLine));
  }

  async readAnnotations(range: Range, host?: string): Promise<Annotation[]> {
    const from = epoch(range.from);
    const ofHost = host === undefined ? '' : ` AND host = ${tagLiteral(host)}`;
    const found = await this.#annotations(
      { ...ALL_TIME, to: range.to },
      `(timeEnd >= ${from} OR resolved_end >= ${from})${ofHost}`,
    );
    return found.filter(annotation => touches(annotation, range));
  }

  async rollUp(host: string, range: Range): Promise<number> {
    return this.#open().hasTiers ? rollUp(this.#tiers, host, range) : 0;
  }

  readSeries(host: string, range: Range, stepMs: number): AsyncIterable<Rollup> {
    return readSeries(this.#tiers, host, range, stepMs, { rolled: this.#open().hasTiers });
  }

  /** InfluxDB does this by itself. */
  async expire(): Promise<number> {
    return 0;
  }

  async init(): Promise<string[]> {
    const { target } = await this.#find();
    const lines = await setUp(this.#connection, target, this.#retention, { alter: true });
    const { product, location } = await this.open();
    return [...lines, `${location}: ready (${product})`];
  }

  async close(): Promise<void> {
    this.#opened = null;
  }

  async #find(): Promise<{ target: Target; version: string | null }> {
    const { database, org } = this.#config;
    const version = await serverVersion(this.#connection);
    const api = apiOf(this.#config, this.#connection.url, version);
    return { target: { api, database, org }, version };
  }

  /** Missing tiers are made when the user may; on 2.x `init` makes them, with a token that may. */
  async #findTiers(target: Target): Promise<boolean> {
    if (await hasTiers(this.#connection, target)) return true;
    try {
      if (target.api !== '2') await setUp(this.#connection, target, this.#retention, { alter: false });
    } catch (error) {
      if (!(error instanceof InfluxFailure) || error.blame === 'server') throw error;
    }
    if (await hasTiers(this.#connection, target)) return true;
    this.#log.warn(
      'the tiers of this database are not set up, long ranges will be slow: run `tidegauge store init`',
    );
    return false;
  }

  /** Stored versions of these annotations: by id, and by time so that little is searched. */
  #stored(annotations: readonly Annotation[]): Promise<Annotation[]> {
    const starts = annotations.map(annotation => annotation.start);
    const ids = annotations.map(({ id }) => `id = ${tagLiteral(id)}`).join(' OR ');
    return this.#annotations({ from: Math.min(...starts), to: Math.max(...starts) + 1 }, `(${ids})`);
  }

  async #annotations(starts: Range, condition: string): Promise<Annotation[]> {
    const rows = await allRows(starts, part =>
      this.#query(`SELECT * FROM annotations WHERE ${within(part)} AND ${condition}`),
    );
    return this.#understood(() => mergeAll(rows.map(annotationOf)));
  }

  /** The whole frames of neighbouring heads; one that is not all there is left out and said. */
  async #completed(host: string, heads: readonly FrameHead[]): Promise<Frame[]> {
    const first = heads[0]?.frame.start ?? 0;
    const last = heads.at(-1)?.frame.start ?? 0;
    const rowsOf = (measurement: string) =>
      allRows({ from: first, to: last + 1 }, part =>
        this.#query(`SELECT * FROM ${measurement} WHERE ${inRange(host, part)}`),
      );
    const rows = await rowsOf('container_traffic');
    const flowRows = heads.some(head => head.flows > 0) ? await rowsOf('container_flows') : [];
    const connectionRows = heads.some(head => head.connections > 0)
      ? await rowsOf('container_connections')
      : [];
    return this.#understood(() => {
      const byTime = Map.groupBy(rows, row => integer(row, 'time'));
      const flowsByTime = Map.groupBy(flowRows, row => integer(row, 'time'));
      const connectionsByTime = Map.groupBy(connectionRows, row => integer(row, 'time'));
      return heads.flatMap(head => {
        const frame = frameOf(
          head,
          byTime.get(head.frame.start) ?? [],
          flowsByTime.get(head.frame.start) ?? [],
          connectionsByTime.get(head.frame.start) ?? [],
        );
        if (!frame)
          this.#log.warn({ host, start: head.frame.start }, 'stored frame is not whole: read as a gap');
        return frame ?? [];
      });
    });
  }

  async #write(lines: readonly string[], policy?: string): Promise<void> {
    await lineWriter(this.#connection, this.#target(policy)).write(lines);
  }

  /** Where windows are, or a tier by the name of its policy. */
  #target(policy?: string): Target {
    const { target } = this.#open();
    return policy === undefined ? target : { ...target, policy };
  }

  #open(): Opened {
    if (this.#opened) return this.#opened;
    throw notOpen(this.#connection.url);
  }

  async #query(statement: string, policy?: string): Promise<Row[]> {
    return query(this.#connection, this.#target(policy), statement);
  }

  /** Rows that are not as they were written are an answer of something else. */
  #understood<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw strangeAnswer(this.#connection.url, error);
    }
  }
}

function notOpen(place: string): ExchangeError {
  return new ExchangeError(
    {
      place,
      expected: 'an open store',
      found: 'a closed one',
      remedy: 'Report this: the store was used before open() or after close().',
    },
    { retry: false },
  );
}
