import { printable } from '../../core/errors.ts';
import type { Annotation, Detection } from '../../core/incident/incident.ts';
import type { ExpectedRange } from '../../core/incident/normal.ts';
import type { Interval } from '../../core/interval.ts';
import type { Log } from '../../core/log.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { FOREVER, type Retention, type Rollup, TIERS } from '../../core/traffic/rollup.ts';
import type { FlowTotal } from '../../core/traffic/service-map.ts';
import { notOpen } from '../check.ts';
import type { Store, StoreInfo } from '../contract.ts';
import { flowsIn, readFlows } from '../flow-tiers.ts';
import { rollUpSome } from '../roll-up.ts';
import { readSeries, trafficIn } from '../tiers.ts';
import { ClaimTable } from './claims.ts';
import type { Access } from './client/access.ts';
import { apiOf, connectionTo, type InfluxConfig, serverVersion } from './client/connect.ts';
import { InfluxFailure } from './client/failure.ts';
import type { Connection } from './client/http.ts';
import { query } from './client/query.ts';
import type { Target } from './client/target.ts';
import { lineWriter } from './client/write.ts';
import { filesOf } from './files.ts';
import { InfluxFlowTiers } from './flow-tiers.ts';
import { FrameTables } from './frame-tables.ts';
import { IncidentTables } from './incident-tables.ts';
import { ensureDatabase, hasTiers, setUp } from './setup/setup.ts';
import { InfluxTiers } from './tiers.ts';

interface Opened {
  readonly target: Target;
  readonly hasTiers: boolean;
}

/** The tier that is kept longest. */
const LONGEST = TIERS.at(-1)?.name;

/** InfluxDB 1.6 or newer, 2.x, 3 Core: written with the official client, read with InfluxQL. */
export class InfluxStore implements Store {
  readonly claims: ClaimTable;
  readonly #config: InfluxConfig;
  readonly #log: Log;
  readonly #connection: Connection;
  readonly #retention: Retention;
  readonly #frames: FrameTables;
  readonly #incidents: IncidentTables;
  readonly #tiers: InfluxTiers;
  readonly #flows: InfluxFlowTiers;
  #opened: Opened | null = null;

  /** `retention`: what `init` sets, and what a database is created with; without it nothing expires. */
  constructor(config: InfluxConfig, log: Log, retention: Retention = FOREVER) {
    this.#config = config;
    this.#log = log;
    this.#retention = retention;
    this.#connection = connectionTo(config);
    const access: Access = {
      place: this.#connection.url,
      from: (measurement, policy) => ({
        query: async statement => query(this.#connection, this.#target(policy), statement),
        files: async range => filesOf(this.#connection, this.#target(policy), measurement, range),
      }),
      write: async (lines, policy) => lineWriter(this.#connection, this.#target(policy)).write(lines),
    };
    this.claims = new ClaimTable(access);
    this.#frames = new FrameTables(access, log);
    this.#incidents = new IncidentTables(access, () => (this.#opened?.hasTiers ? LONGEST : undefined));
    this.#tiers = new InfluxTiers(access, (host, range) =>
      this.#frames.read(host, range, { withAhead: true }),
    );
    this.#flows = new InfluxFlowTiers(access);
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

  async writeFrames(frames: readonly Frame[], options?: { readonly ahead?: boolean }): Promise<void> {
    await this.#frames.write(frames, options);
  }

  readFrames(host: string, range: Interval): AsyncIterable<Frame> {
    return this.#frames.read(host, range, { withAhead: false });
  }

  readFlows(host: string, range: Interval): Promise<FlowTotal[]> {
    const { hasTiers } = this.#open();
    return hasTiers ? readFlows(this.#flows, host, range) : this.#flows.totals(null, host, range);
  }

  lastFrame(host: string, before?: number): Promise<Interval | null> {
    return this.#frames.last(host, before);
  }

  lastInTurn(host: string): Promise<number | null> {
    return this.#frames.lastInTurn(host);
  }

  firstFrame(host: string): Promise<number | null> {
    return this.#frames.first(host);
  }

  hosts(since?: number): Promise<string[]> {
    return this.#frames.hosts(since);
  }

  writeDetections(rows: readonly Detection[]): Promise<void> {
    return this.#incidents.writeDetections(rows);
  }

  readDetections(host: string, range: Interval): Promise<Detection[]> {
    return this.#incidents.readDetections(host, range);
  }

  writeExpected(rows: readonly ExpectedRange[]): Promise<void> {
    return this.#incidents.writeExpected(rows);
  }

  readExpected(host: string, range: Interval): Promise<ExpectedRange[]> {
    return this.#incidents.readExpected(host, range);
  }

  writeAnnotations(annotations: readonly Annotation[]): Promise<void> {
    return this.#incidents.writeAnnotations(annotations);
  }

  readAnnotations(range: Interval, host?: string): Promise<Annotation[]> {
    return this.#incidents.readAnnotations(range, host);
  }

  async rollUp(host: string, range: Interval): Promise<number> {
    if (!this.#open().hasTiers) return 0;
    const traffic = await rollUpSome(trafficIn(this.#tiers), host, range);
    const flows = await rollUpSome(flowsIn(this.#flows), host, range);
    return traffic.written + flows.written;
  }

  readSeries(host: string, range: Interval, stepMs: number): AsyncIterable<Rollup> {
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

  /** Where windows are, or a tier by the name of its policy. */
  #target(policy?: string): Target {
    const { target } = this.#open();
    return policy === undefined ? target : { ...target, policy };
  }

  #open(): Opened {
    if (this.#opened) return this.#opened;
    throw notOpen(this.#connection.url);
  }
}
