/** The whole way of a frame, from the collector's spool to the stored alert, as the program assembles it. */
import { join } from 'node:path';
import { pino } from 'pino';
import { type Backends, openBackends, SCHEMA } from '../../../app/wire.ts';
import type { Shipper } from '../../../collector/ship/contract.ts';
import { createShipper } from '../../../collector/ship/shipper.ts';
import { Spool } from '../../../collector/ship/spool/spool.ts';
import { systemClock as clock } from '../../../core/clock.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { busyParts, frameOf } from '../../../test/data/frames.ts';
import { startInflux } from '../../../test/parts/influx.ts';
import { until } from '../../../test/parts/process.ts';
import { startRedis } from '../../../test/parts/redis/server.ts';
import { Worker } from '../../../worker/worker.ts';

const HOST = 'bench';
export const CONTAINERS = 1000;
export const INTERVAL_MS = 5000;
const LIMITS = { bytes: 2 ** 30, memoryBytes: 2 ** 28, ageMs: Number.POSITIVE_INFINITY };
/** Longest that working off a backlog may take, ms. */
const PATIENCE_MS = 600_000;

const log = pino({ level: 'silent' });

export interface Running {
  readonly backends: Backends;
  readonly shipper: Shipper;
  readonly worker: Worker;
  /** Told of every change of an incident that is stored. */
  onIncident: () => void;
  stop(): Promise<void>;
}

/** Runs the action with everything embedded, and with InfluxDB and Redis. */
export async function onBoth<T>(
  action: (name: string, settings: object, redisUrl?: string) => Promise<T>,
): Promise<T[]> {
  const [influx, redis] = await Promise.all([startInflux(), startRedis()]);
  const stack = {
    store: { kind: 'influx', influx: { url: influx.url } },
    queue: { kind: 'bullmq' },
    state: { kind: 'redis' },
    redis: { url: redis.url },
  };
  try {
    return [await action('SQLite, one process', {}), await action('InfluxDB and Redis', stack, redis.url)];
  } finally {
    await Promise.all([influx.stop(), redis.stop()]);
  }
}

/**
 * Start on a spool with so many frames of a collector that is gone, and wait until they are folded. How long that took,
 * seconds.
 */
export async function workOff(
  folder: string,
  settings: object,
  backlog: number,
): Promise<{ running: Running; seconds: number }> {
  const spool = () => Spool.open({ folder: join(folder, 'spool'), fsync: 'interval', clock, log });
  fill(spool(), backlog);
  const begun = clock.monotonic();
  const running = await start(folder, settings, spool());
  try {
    await until('the backlog to be folded', () => running.worker.status().frames >= backlog, PATIENCE_MS);
    return { running, seconds: (clock.monotonic() - begun) / 1000 };
  } catch (error) {
    await running.stop();
    throw error;
  }
}

function fill(spool: Spool, frames: number): void {
  for (let n = 0; n < frames; n++) spool.append(frame(startOf(n), n === 0 ? null : startOf(n - 1), 1));
  spool.close();
}

/** Start of frame number `n` of the backlog, epoch ms. */
export const startOf = (n: number): number => frameOf(HOST, n).start;

/** A frame of busy containers, the first of which sends `factor` times as much. */
export function frame(start: number, previous: number | null, factor: number): Frame {
  const rows = busyParts(CONTAINERS);
  const windows = rows.windows.map((window, i) =>
    i === 0 ? { ...window, bytes: window.bytes * factor } : window,
  );
  return { ...frameOf(HOST, 0), ...rows, windows, start, previous };
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
  const backends = await openBackends(config, clock, log);
  const running = { onIncident: () => {} };
  const { lease: leaseMs, checkpoint: checkpointMs } = config.state;
  const onIncident = () => running.onIncident();
  const worker = Worker.start({
    ...backends,
    clock,
    log,
    owner: 'bench',
    leaseMs,
    checkpointMs,
    silentAfterMs: 60_000,
    onIncident,
  });
  const shipper = createShipper({ ...backends, spool, clock, log, limits: LIMITS });
  return Object.assign(running, {
    backends,
    shipper,
    worker,
    async stop() {
      await shipper.stop();
      await worker.stop();
      spool.close();
      await backends.close();
    },
  });
}
