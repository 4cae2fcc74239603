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
import { connectionTo, ensureDatabase, type InfluxConfig, serverVersion, writeApiOf } from './connect.ts';
import { InfluxFailure, strangeAnswer } from './failure.ts';
import { frameOf, headOf, totalOf } from './frames.ts';
import type { Connection } from './http.ts';
import { annotationOf, detectionOf } from './incidents.ts';
import { epoch, inRange, tagLiteral, time } from './influxql.ts';
import {
  annotationLine,
  connectionLines,
  detectionLine,
  flowLines,
  frameLine,
  trafficLines,
} from './line.ts';
import { query } from './query.ts';
import { hasTiers, setUpBuckets, setUpDatabase } from './setup.ts';
import { InfluxTiers } from './tiers.ts';
import { type LineWriter, lineWriter } from './write.ts';

/** Frames asked for at once, and containers of them: a few megabytes of answer. */
const STEP_FRAMES = 256;
const STEP_CONTAINERS = 2000;
/** Annotations named in one query. */
const STEP_IDS = 100;

interface Opened {
  /** Writes into the default retention policy, or the named one. */
  readonly writer: (policy?: string) => LineWriter;
  readonly hasTiers: boolean;
}

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
      frames: (host, range) => this.readFrames(host, range),
    });
  }

  async open(): Promise<StoreInfo> {
    const { database, org } = this.#config;
    const { url } = this.#connection;
    try {
      const version = await serverVersion(this.#connection);
      const api = writeApiOf(this.#config, url, version);
      await ensureDatabase(this.#connection, api, database, this.#retention);
      this.#opened = {
        writer: policy => lineWriter(this.#connection, { api, database, org, ...(policy && { policy }) }),
        hasTiers: await this.#findTiers(api),
      };
      return { product: `InfluxDB ${version ?? `of API ${api}`}`, location: `${url} ${printable(database)}` };
    } catch (error) {
      throw error instanceof InfluxFailure ? error.whileOpening() : error;
    }
  }

  /** The row of `host_frames` is written once all else is stored: readers look for it first. */
  async writeFrames(frames: readonly Frame[]): Promise<void> {
    for (const frame of frames) checkFrame(frame);
    await this.#write(
      frames.flatMap(frame => [...trafficLines(frame), ...flowLines(frame), ...connectionLines(frame)]),
    );
    await this.#write(frames.map(frameLine));
  }

  async *readFrames(host: string, range: Range): AsyncIterable<Frame> {
    let from = range.from;
    for (;;) {
      const marks = await this.#query(
        `SELECT * FROM host_frames WHERE ${inRange(host, from, range.to)} ORDER BY time LIMIT ${STEP_FRAMES}`,
      );
      const heads = this.#understood(() => marks.map(row => headOf(host, row)));
      let rest: readonly FrameHead[] = heads;
      while (rest.length > 0) {
        const step = withinRows(rest, STEP_CONTAINERS);
        yield* await this.#completed(host, step);
        rest = rest.slice(step.length);
      }
      const last = heads.at(-1);
      if (!last || heads.length < STEP_FRAMES) return;
      from = last.frame.start + 1;
    }
  }

  async readFlows(host: string, range: Range): Promise<FlowTotal[]> {
    const tags = 'container, service, protocol, role, peer_kind, peer, port';
    const rows = await this.#query(
      `SELECT ${EXCHANGE_SUMS} FROM container_flows WHERE ${inRange(host, range.from, range.to)} GROUP BY ${tags}`,
    );
    return this.#understood(() => addTotals(rows.map(totalOf)));
  }

  async lastFrame(host: string, before = Number.POSITIVE_INFINITY) {
    const [row] = await this.#query(
      `SELECT duration_ms FROM host_frames WHERE ${inRange(host, Number.NEGATIVE_INFINITY, before)} ` +
        'ORDER BY time DESC LIMIT 1',
    );
    if (!row) return null;
    return this.#understood(() => {
      const start = integer(row, 'time');
      return { start, end: frameEnd({ start, durationMs: integer(row, 'duration_ms') }) };
    });
  }

  async firstFrame(host: string): Promise<number | null> {
    const [row] = await this.#query(
      `SELECT duration_ms FROM host_frames WHERE host = ${tagLiteral(host)} ORDER BY time LIMIT 1`,
    );
    return row ? this.#understood(() => integer(row, 'time')) : null;
  }

  async hosts(): Promise<string[]> {
    const rows = await this.#query('SHOW TAG VALUES FROM host_frames WITH KEY = host');
    return this.#understood(() => rows.map(row => decodeTag(text(row, 'value'))).sort(compareText));
  }

  async writeDetections(rows: readonly Detection[]): Promise<void> {
    for (const row of rows) checkDetection(row);
    await this.#write(rows.map(detectionLine));
  }

  async readDetections(host: string, range: Range): Promise<Detection[]> {
    const rows = await this.#query(`SELECT * FROM detections WHERE ${inRange(host, range.from, range.to)}`);
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
      `time < ${time(range.to)} AND (timeEnd >= ${from} OR resolved_end >= ${from})${ofHost}`,
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
    const { database } = this.#config;
    const version = await serverVersion(this.#connection);
    const api = writeApiOf(this.#config, this.#connection.url, version);
    const lines =
      api === '1'
        ? await setUpDatabase(this.#connection, database, this.#retention, { alter: true })
        : await setUpBuckets(this.#connection, this.#config, this.#retention);
    const { product, location } = await this.open();
    return [...lines, `${location}: ready (${product})`];
  }

  async close(): Promise<void> {
    this.#opened = null;
  }

  /** On 1.x missing tiers are made when the user may; on 2.x `init` makes them, with a token that may. */
  async #findTiers(api: '1' | '2'): Promise<boolean> {
    const { database } = this.#config;
    if (await hasTiers(this.#connection, database)) return true;
    try {
      if (api === '1') await setUpDatabase(this.#connection, database, this.#retention, { alter: false });
    } catch (error) {
      if (!(error instanceof InfluxFailure) || error.blame === 'server') throw error;
    }
    if (await hasTiers(this.#connection, database)) return true;
    this.#log.warn(
      'the tiers of this database are not set up, long ranges will be slow: run `tidegauge store init`',
    );
    return false;
  }

  /** Stored versions of these annotations: by id, and by time so that little is searched. */
  #stored(annotations: readonly Annotation[]): Promise<Annotation[]> {
    const starts = annotations.map(annotation => annotation.start);
    const ids = annotations.map(({ id }) => `id = ${tagLiteral(id)}`).join(' OR ');
    return this.#annotations(
      `time >= ${time(Math.min(...starts))} AND time <= ${time(Math.max(...starts))} AND (${ids})`,
    );
  }

  async #annotations(condition: string): Promise<Annotation[]> {
    const rows = await this.#query(`SELECT * FROM annotations WHERE ${condition}`);
    return this.#understood(() => mergeAll(rows.map(annotationOf)));
  }

  /** The whole frames of neighbouring heads; one that is not all there is left out and said. */
  async #completed(host: string, heads: readonly FrameHead[]): Promise<Frame[]> {
    const first = heads[0]?.frame.start ?? 0;
    const last = heads.at(-1)?.frame.start ?? 0;
    const range = inRange(host, first, last + 1);
    const rows = await this.#query(`SELECT * FROM container_traffic WHERE ${range}`);
    const flowRows = heads.some(head => head.flows > 0)
      ? await this.#query(`SELECT * FROM container_flows WHERE ${range}`)
      : [];
    const connectionRows = heads.some(head => head.connections > 0)
      ? await this.#query(`SELECT * FROM container_connections WHERE ${range}`)
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
    await this.#open().writer(policy).write(lines);
  }

  #open(): Opened {
    if (this.#opened) return this.#opened;
    throw notOpen(this.#connection.url);
  }

  #query(statement: string, policy?: string): Promise<Row[]> {
    return query(this.#connection, this.#config.database, statement, policy);
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
