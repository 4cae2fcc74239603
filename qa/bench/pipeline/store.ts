/**
 * What the stores cost on top of what they stand on: node:sqlite with prepared statements, and plain HTTP. Both sides
 * move the same rows in the same batches; the bare side gets them ready-made.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { pino } from 'pino';
import type { Frame } from '../../../core/traffic/frame.ts';
import type { Store } from '../../../store/contract.ts';
import { frameLine, trafficLines } from '../../../store/influx/client/line.ts';
import { batchesOf } from '../../../store/influx/client/write.ts';
import { InfluxStore } from '../../../store/influx/store.ts';
import { MIGRATIONS } from '../../../store/sqlite/schema.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { busyParts, frameOf } from '../../../test/data/frames.ts';
import { startInflux } from '../../../test/parts/influx.ts';
import { temporaryFolder } from '../../../test/parts/process.ts';
import { type BenchTable, inTurn, median, spread } from '../measure.ts';

const ROUNDS = 7;
const FRAMES = 40;
const CONTAINERS = 100;

/** What one round moves: a host and a time of its own, so that no round meets the rows of another. */
interface Load {
  readonly host: string;
  readonly frames: readonly Frame[];
  /** The rows of `container_traffic` that the SQLite store makes of the frames, in its transactions. */
  readonly rows: readonly (readonly SQLInputValue[][])[];
  /** Times of those rows: from, to (exclusive). */
  readonly span: readonly [number, number];
  /** The bodies that the InfluxDB store sends. */
  readonly bodies: readonly string[];
}

function loadOf(round: number): Load {
  const host = `host-${round}`;
  const frames = Array.from({ length: FRAMES }, (_, n) =>
    frameOf(host, round * FRAMES + n, busyParts(CONTAINERS)),
  );
  const start = frames[0]?.start ?? 0;
  const lines = [frames.flatMap(trafficLines), frames.map(frame => frameLine(frame))];
  return {
    host,
    frames,
    rows: sqlRows(start),
    span: [start, start + FRAMES * 5000],
    bodies: lines.flatMap(part => [...batchesOf(part)].map(batch => batch.join('\n'))),
  };
}

/** Rows per second of the stores for writing and reading, as a part of what the bare driver does. */
export async function storeBench(): Promise<BenchTable[]> {
  const loads = Array.from({ length: ROUNDS }, (_, round) => loadOf(round));
  const tables = [await sqliteTable(loads)];
  if (spawnSync('influxd', ['version']).status === 0) tables.push(await influxTable(loads));
  return tables;
}

/** One thing done by the store and by the bare driver; both do it in every round. */
interface Contest {
  readonly name: string;
  /** Rows that are moved in a round. */
  readonly rows: number;
  readonly store: (load: Load) => Promise<unknown>;
  readonly bare: (load: Load) => Promise<unknown>;
}

async function sqliteTable(loads: readonly Load[]): Promise<BenchTable> {
  const folder = temporaryFolder();
  const store = new SqliteStore(join(folder.path, 'store.db'));
  await store.open();
  const bare = new DatabaseSync(join(folder.path, 'bare.db'));
  bare.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  for (const sql of MIGRATIONS) bare.exec(sql);
  const insert = bare.prepare('INSERT INTO container_traffic VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const select = bare.prepare('SELECT * FROM container_traffic WHERE time >= ? AND time < ?');
  const rows = FRAMES * CONTAINERS;
  try {
    return await table('SQLite store against node:sqlite, rows of container_traffic', loads, [
      {
        name: 'write',
        rows,
        store: load => store.writeFrames(load.frames),
        bare: async load => {
          for (const batch of load.rows) {
            bare.exec('BEGIN');
            for (const row of batch) insert.run(...row);
            bare.exec('COMMIT');
          }
        },
      },
      {
        name: 'read',
        rows,
        store: load => drain(store, load),
        bare: async load => select.all(...load.span),
      },
    ]);
  } finally {
    bare.close();
    await store.close();
    folder.remove();
  }
}

function sqlRows(start: number): SQLInputValue[][][] {
  const batches: SQLInputValue[][][] = [];
  const size = JSON.stringify(busyParts(1).windows[0]?.sizes);
  for (let n = 0; n < FRAMES; n++) {
    if ((n * CONTAINERS) % 2000 === 0) batches.push([]);
    for (let c = 0; c < CONTAINERS; c++) {
      batches.at(-1)?.push([start + n * 5000, c, c, 0, 0, 100, 100_000, size, 100, 100_000, size]);
    }
  }
  return batches;
}

async function influxTable(loads: readonly Load[]): Promise<BenchTable> {
  const server = await startInflux();
  const config = { version: 'auto', database: 'tidegauge', org: '', token: '', username: '' } as const;
  const store = new InfluxStore(
    { ...config, url: server.url, password: '', timeout: 10_000 },
    pino({ level: 'silent' }),
  );
  await store.open();
  const post = async (path: string, body: string | URLSearchParams) => {
    const answer = await fetch(server.url + path, { method: 'POST', body });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.text();
  };
  await post('/query', new URLSearchParams({ q: 'CREATE DATABASE bare' }));
  const rows = FRAMES * CONTAINERS * 2;
  try {
    return await table('InfluxDB store against plain HTTP, rows of container_traffic', loads, [
      {
        name: 'write',
        rows,
        store: load => store.writeFrames(load.frames),
        bare: async load => {
          for (const body of load.bodies) await post('/write?db=bare&precision=ms', body);
        },
      },
      {
        name: 'read',
        rows,
        store: load => drain(store, load),
        bare: load => {
          const q = `SELECT * FROM container_traffic WHERE host = '${load.host}'`;
          return post('/query', new URLSearchParams({ db: 'bare', epoch: 'ms', q }));
        },
      },
    ]);
  } finally {
    await server.stop();
  }
}

async function drain(store: Store, load: Load): Promise<void> {
  const everything = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  let frames = 0;
  for await (const _ of store.readFrames(load.host, everything)) frames++;
  if (frames !== FRAMES) throw new Error(`expected ${FRAMES} frames, read ${frames}`);
}

async function table(
  title: string,
  loads: readonly Load[],
  contests: readonly Contest[],
): Promise<BenchTable> {
  const rows: BenchTable['rows'][number][] = [];
  for (const { name, rows: count, store, bare } of contests) {
    const times = await inTurn(ROUNDS, { store: timed(loads, store), bare: timed(loads, bare) });
    const ratios = times.bare.map((ms, round) => ms / (times.store[round] ?? Number.NaN));
    const rate = median(times.store.map(ms => (count * 1000) / ms));
    rows.push({
      name,
      value: `${Math.round(rate / 1000)}k rows/s`,
      ratio: median(ratios).toFixed(2),
      spread: spread(ratios),
    });
  }
  return { title, rows };
}

/** Does it to the next load with each call; ms. */
function timed(loads: readonly Load[], side: (load: Load) => Promise<unknown>): () => Promise<number> {
  const left = loads.values();
  return async () => {
    const { value: load } = left.next();
    if (!load) throw new Error('a load for each round');
    const start = performance.now();
    await side(load);
    return performance.now() - start;
  };
}
