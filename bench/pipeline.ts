/**
 * The whole way of a frame, from the collector's spool to the stored alert, as the program assembles it: how fast a
 * backlog is worked off, how long an alert takes, and what Redis has to carry.
 */
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { openParts, type Parts, SCHEMA } from '../cli/wire.ts';
import { createShipper, type Shipper } from '../collector/ship.ts';
import { Spool } from '../collector/spool/spool.ts';
import { systemClock as clock } from '../core/clock.ts';
import type { Frame } from '../core/frame.ts';
import { busyParts, frameOf } from '../test/parts/frames.ts';
import { startInflux } from '../test/parts/influx.ts';
import { temporaryFolder, until } from '../test/parts/process.ts';
import { startRedis } from '../test/parts/redis.ts';
import { Worker } from '../worker/worker.ts';
import { type BenchTable, median } from './measure.ts';

const HOST = 'bench';
const CONTAINERS = 1000;
const INTERVAL_MS = 5000;
/** Five minutes of frames that wait: an hour of them is as fast, and takes longer. */
const BACKLOG = 60;
const ALERTS = 100;
const LIMITS = { bytes: 2 ** 30, memoryBytes: 2 ** 28, ageMs: Number.POSITIVE_INFINITY };

const log = pino({ level: 'silent' });

interface Running {
  readonly parts: Parts;
  readonly shipper: Shipper;
  readonly worker: Worker;
  /** Told of every change of an incident that is stored. */
  onIncident: () => void;
  stop(): Promise<void>;
}

/** Ratios are to real time for the backlog, and to the promised second for alerts. */
export async function pipelineBench(): Promise<BenchTable[]> {
  const [influx, redis] = await Promise.all([startInflux(), startRedis()]);
  try {
    const stack = {
      store: { kind: 'influx', influx: { url: influx.url } },
      queue: { kind: 'bullmq' },
      state: { kind: 'redis' },
      redis: { url: redis.url },
    };
    const [embedded, shared] = [
      await installation('SQLite, one process', {}),
      await installation('InfluxDB and Redis', stack, redis.url),
    ];
    return [
      {
        title: `From spool to stored alert, ${CONTAINERS} containers; ratio: real time / time taken, promised 1 s / time taken`,
        rows: [...embedded, ...shared],
      },
    ];
  } finally {
    await Promise.all([influx.stop(), redis.stop()]);
  }
}

type Rows = BenchTable['rows'][number][];

async function installation(name: string, settings: object, redisUrl?: string): Promise<Rows> {
  const folder = temporaryFolder();
  const spool = () => Spool.open({ folder: join(folder.path, 'spool'), fsync: 'interval', clock, log });
  fill(spool());
  const begun = clock.monotonic();
  const running = await start(folder.path, settings, spool());
  try {
    await until('the backlog to be folded', () => running.worker.status().frames >= BACKLOG, 120_000);
    const seconds = (clock.monotonic() - begun) / 1000;
    const before = redisUrl === undefined ? null : await carried(redisUrl);
    const delays = await alertDelays(running);
    const after = redisUrl === undefined ? null : await carried(redisUrl);
    return [
      {
        name: `${name}: backlog of ${BACKLOG} frames`,
        value: `${seconds.toFixed(1)} s`,
        ratio: ((BACKLOG * INTERVAL_MS) / 1000 / seconds).toFixed(1),
        spread: '',
      },
      alertRow(name, delays),
      ...(before && after ? redisRows(before, after) : []),
    ];
  } finally {
    await running.stop();
    folder.remove();
  }
}

function fill(spool: Spool): void {
  for (let n = 0; n < BACKLOG; n++)
    spool.append(frame(frameOf(HOST, n).start, n === 0 ? null : frameOf(HOST, n - 1).start, 1));
  spool.close();
}

/** A frame of busy containers, the first of which sends `factor` times as much. */
function frame(start: number, previous: number | null, factor: number): Frame {
  const parts = busyParts(CONTAINERS);
  const windows = parts.windows.map((window, i) =>
    i === 0 ? { ...window, bytes: window.bytes * factor } : window,
  );
  return { ...frameOf(HOST, 0), ...parts, windows, start, previous };
}

async function start(folder: string, settings: object, spool: Spool): Promise<Running> {
  const config = SCHEMA.parse({
    host: HOST,
    data: folder,
    ...settings,
    detectors: [
      { use: 'rolling-zscore', name: 'bytes', metric: 'bytes' },
      { use: 'threshold', name: 'limit', metric: 'bytes', direction: 'send', above: '1MiB/s', for: '0s' },
    ],
    alert: { resolve_after: '0s' },
    store: {
      retention: { raw: '36500d', minute: '36500d', hour: '36500d' },
      ...('store' in settings ? (settings.store as object) : {}),
    },
  });
  const parts = await openParts(config, clock, log);
  const running = { onIncident: () => {} };
  const { lease: leaseMs, checkpoint: checkpointMs } = config.state;
  const onIncident = () => running.onIncident();
  const worker = Worker.start({
    ...parts,
    clock,
    log,
    owner: 'bench',
    leaseMs,
    checkpointMs,
    onIncident,
  });
  const shipper = createShipper({ ...parts, spool, clock, log, limits: LIMITS });
  return Object.assign(running, {
    parts,
    shipper,
    worker,
    async stop() {
      await shipper.stop();
      await worker.stop();
      spool.close();
      await parts.close();
    },
  });
}

/** Milliseconds from the end of each interval to its alert being stored: one opens, the next frame resolves it. */
async function alertDelays(running: Running): Promise<number[]> {
  const delays: number[] = [];
  let previous = frameOf(HOST, BACKLOG - 1).start;
  for (let n = 0; n < ALERTS; n++) {
    const stored = new Promise<void>(resolve => {
      running.onIncident = resolve;
    });
    const next = frame(clock.now() - INTERVAL_MS, previous, n % 2 === 0 ? 1000 : 1);
    previous = next.start;
    const ended = clock.monotonic();
    running.shipper.push(next);
    await stored;
    delays.push(clock.monotonic() - ended);
  }
  return delays;
}

function alertRow(name: string, delays: readonly number[]) {
  const sorted = delays.toSorted((a, b) => a - b);
  const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
  return {
    name: `${name}: end of interval to stored alert, p99 of ${ALERTS}`,
    value: `${p99.toFixed(0)} ms`,
    ratio: (1000 / p99).toFixed(1),
    spread: `median ${median(delays).toFixed(0)} ms`,
  };
}

interface Carried {
  readonly bytes: number;
  /** Times that the server read from a connection: at most one for each time that somebody waited for an answer. */
  readonly reads: number;
}

async function carried(url: string): Promise<Carried> {
  const redis = new Redis(url);
  const info = await redis.info('stats');
  redis.disconnect();
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]);
  return {
    bytes: field('total_net_input_bytes') + field('total_net_output_bytes'),
    reads: field('total_reads_processed'),
  };
}

/** Queue and state together: publishing, taking, incidents, checkpoints, leases. */
function redisRows(before: Carried, after: Carried): Rows {
  const windows = ALERTS * CONTAINERS * 2;
  const bytes = (after.bytes - before.bytes) / windows;
  const trips = (after.reads - before.reads) / ALERTS;
  const row = (name: string, value: string) => ({ name, value, ratio: '', spread: '' });
  return [
    row('Redis: bytes in and out per window', `${bytes.toFixed(0)} B`),
    row('Redis: round trips per frame', trips.toFixed(1)),
    row('Redis: round trips per window', (trips / (CONTAINERS * 2)).toFixed(4)),
  ];
}
