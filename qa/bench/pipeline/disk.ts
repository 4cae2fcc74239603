/**
 * What the stores take on disk for a container and a day: the simulated fleet of `npm run quality` through a day, of which
 * one minute in twelve is stored, and counted for all twelve.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { SCHEMA } from '../../../app/wire.ts';
import { formatSize } from '../../../core/config/units.ts';
import { FOREVER, TIERS, type Tier, type TierName } from '../../../core/traffic/rollup.ts';
import type { FrameStore } from '../../../store/contract.ts';
import { InfluxStore } from '../../../store/influx/store.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { startInflux } from '../../../test/parts/influx.ts';
import { temporaryFolder } from '../../../test/parts/process.ts';
import { type BenchTable, median, spread } from '../measure.ts';
import { DAY, DAY_MS, EVERY, HOST, minutesOf, PEERS } from './disk-frames.ts';

const ROUNDS = 3;

/** Bytes of the pages of one table, its keys included. */
type Sizes = Readonly<Record<string, number>>;

const PARTS = [
  { name: 'windows', tables: ['container_traffic', 'host_frames'] },
  { name: `flows, of ${PEERS} peers each`, tables: ['container_flows'] },
  { name: `connections, of ${PEERS / 2} peers each`, tables: ['container_connections'] },
] as const;

/** Bytes on disk for a container and a day, and how large that is against the same frames as lines of JSON. */
export async function diskBench(): Promise<BenchTable[]> {
  const days: Day[] = [];
  for (let seed = 1; seed <= ROUNDS; seed++) days.push(await storedDay(seed));
  const captured = ({ sizes }: Day) =>
    sumOf(
      sizes,
      PARTS.flatMap(({ tables }) => tables),
    );
  const parts = PARTS.map(({ name, tables }) => rowOf(name, days, ({ sizes }) => sumOf(sizes, tables)));
  const sqlite = {
    title: 'SQLite',
    rows: [...parts, ...rowsOf(days.map(day => ({ ...day, captured: captured(day) })))],
  };
  if (spawnSync('influxd', ['version']).status !== 0) return [titled(sqlite)];
  return [titled(sqlite), titled({ title: 'InfluxDB 1.x', rows: rowsOf([await influxDay(1)]) })];
}

type Kept = Omit<Day, 'sizes'> & { readonly captured: number };

const titled = ({ title, rows }: BenchTable): BenchTable => ({
  title: `${title}, for each container and day, against the same frames as JSON`,
  rows,
});

const sumOf = (sizes: Sizes, tables: readonly string[]): number =>
  tables.reduce((sum, table) => sum + (sizes[table] ?? 0), 0);

function rowOf<D extends { readonly json: number }>(
  name: string,
  days: readonly D[],
  bytes: (day: D) => number,
) {
  const ratios = days.map(day => bytes(day) / day.json);
  const value = formatSize(Math.round(median(days.map(bytes))));
  return { name, value, ratio: median(ratios).toFixed(2), spread: spread(ratios) };
}

function rowsOf(days: readonly Kept[]): BenchTable['rows'] {
  const { raw, minute, hour } = SCHEMA.parse({}).store.retention;
  return [
    rowOf('all as captured', days, ({ captured }) => captured),
    rowOf('sums per minute', days, ({ minuteSums }) => minuteSums),
    rowOf('sums per hour', days, ({ hourSums }) => hourSums),
    rowOf(
      'each container, all that is kept by default',
      days,
      day => (day.captured * raw + day.minuteSums * minute + day.hourSums * hour) / DAY_MS,
    ),
  ];
}

/** All per container and day, bytes. */
interface Day {
  readonly json: number;
  readonly sizes: Sizes;
  readonly minuteSums: number;
  readonly hourSums: number;
}

async function storedDay(seed: number): Promise<Day> {
  const folder = temporaryFolder();
  const file = join(folder.path, 'day.db');
  const store = new SqliteStore(file);
  try {
    await store.open();
    const empty = sizesOf(file);
    const { json, each } = await writeDay(store, seed);
    const grown = difference(sizesOf(file), empty);
    await store.rollUp(HOST, DAY);
    const sums = tierBytes(file, difference(sizesOf(file), empty));
    return {
      json,
      sizes: Object.fromEntries(Object.entries(grown).map(([name, bytes]) => [name, each(bytes * EVERY)])),
      minuteSums: each(sums.minute * EVERY),
      hourSums: each(sums.hour),
    };
  } finally {
    await store.close();
    folder.remove();
  }
}

/** The same in an InfluxDB 1.x, once it has compacted all; it tells policies apart, not measurements. */
async function influxDay(seed: number): Promise<Kept> {
  const server = await startInflux({ data: EAGER });
  const config = {
    version: 'auto',
    database: 'tidegauge',
    org: '',
    token: '',
    username: '',
    password: '',
  } as const;
  const log = pino({ level: 'silent' });
  const store = new InfluxStore({ ...config, url: server.url, timeout: 60_000 }, log, FOREVER);
  try {
    await store.open();
    await store.init();
    const { json, each } = await writeDay(store, seed);
    await store.rollUp(HOST, DAY);
    const data = await compacted(server.folder);
    const of = (policy: string) => bytesBelow(join(data, policy));
    const captured = each(of('autogen') * EVERY);
    return { json, captured, minuteSums: each(of('minute') * EVERY), hourSums: each(of('hour')) };
  } finally {
    await store.close();
    await server.stop();
  }
}

/** So that all is compacted a moment after the last write, and not hours later. */
const EAGER = ['cache-snapshot-write', 'compact-full-write']
  .map(what => `${what}-cold-duration = "1s"`)
  .join('\n  ');

/** The folder of the database, once its log is empty and what it holds does not change for 10 s. */
async function compacted(folder: string): Promise<string> {
  const [data, wal] = [join(folder, 'data/tidegauge'), join(folder, 'wal/tidegauge')];
  for (let before = -1; ; ) {
    const now = bytesBelow(data);
    if (now === before && bytesBelow(wal) === 0) return data;
    before = now;
    await delay(10_000);
  }
}

const bytesBelow = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);

/** Writes a day; its bytes as JSON for each container, and what turns bytes of all into bytes of each. */
async function writeDay(store: FrameStore, seed: number) {
  let json = 0;
  let containers = 1;
  for (const frames of minutesOf(seed)) {
    await store.writeFrames(frames);
    json += frames.reduce((sum, frame) => sum + JSON.stringify(frame).length, 0);
    containers = frames[0]?.containers.length ?? 1;
  }
  return { json: (json * EVERY) / containers, each: (bytes: number) => bytes / containers };
}

function sizesOf(file: string): Sizes {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = db.prepare('SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name').all();
    return Object.fromEntries(rows.map(({ name, bytes }) => [String(name), Number(bytes)]));
  } finally {
    db.close();
  }
}

const difference = (after: Sizes, before: Sizes): Sizes =>
  Object.fromEntries(Object.entries(after).map(([name, bytes]) => [name, bytes - (before[name] ?? 0)]));

/** Both tiers are in the same tables, whose bytes are theirs as the lengths of their rows are. */
function tierBytes(file: string, sizes: Sizes): Record<TierName, number> {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const all = (sizes.traffic_rollups ?? 0) + (sizes.host_rollups ?? 0);
    const rows = db.prepare(TIER_LENGTHS).all();
    const length = rows.reduce((sum, row) => sum + Number(row.length), 0);
    const of = ({ stepMs }: Tier) => Number(rows.find(row => row.step_ms === stepMs)?.length ?? 0);
    const [minute, hour] = TIERS.map(tier => (all * of(tier)) / length);
    return { minute: minute ?? 0, hour: hour ?? 0 };
  } finally {
    db.close();
  }
}

/** 40 bytes: the numbers of a row. */
const TIER_LENGTHS = `
  SELECT step_ms, sum(length(send_sizes) + length(receive_sizes) + 40) AS length FROM traffic_rollups GROUP BY step_ms`;
