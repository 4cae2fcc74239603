import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { openOutbox } from '../../app/outbox.ts';
import { type Backends, openBackends, SCHEMA } from '../../app/wire.ts';
import { systemClock as clock } from '../../core/clock.ts';
import type { Config } from '../../core/config/config.ts';
import { type InfluxServer, startInflux } from '../../test/parts/influx.ts';
import { temporaryFolder } from '../../test/parts/process.ts';
import { type RedisServer, startRedis } from '../../test/parts/redis/server.ts';
import { Maintenance } from '../../worker/maintenance.ts';
import { Worker } from '../../worker/worker.ts';
import { frameSource } from './frames.ts';

export interface SoakOptions {
  readonly lengthMs: number;
  readonly containers: number;
  readonly intervalMs: number;
  /** How often the store goes away, and after it the queue with the state; evenly, after a first part without. */
  readonly cycles: number;
  /** How long each is away. */
  readonly outageMs: number;
  readonly log: Logger;
  /** Collects garbage before each sample, so that memory is what is needed and not what V8 has not given back yet. */
  readonly collectGarbage?: () => void;
  /** Told after each interval. */
  readonly onSample: (sample: Sample) => void;
}

/** How this process stood at one moment. */
export interface Sample {
  readonly ms: number;
  /** Resident memory, and how much of it is objects and buffers. */
  readonly rssBytes: number;
  readonly liveBytes: number;
  readonly pending: number;
  readonly folded: number;
  /** What is away, for people; empty: nothing. */
  readonly away: string;
}

export interface SoakReport {
  readonly samples: readonly Sample[];
  readonly pushed: number;
  /** Frames that are in the store at the end, and those among them that are not exactly what was pushed. */
  readonly stored: number;
  readonly wrong: number;
  /** Whether the fold has come to the last frame. */
  readonly isFolded: boolean;
  /** Frames given up anywhere on the way. */
  readonly dropped: number;
  /** Medians of memory, bytes: before the first outage, and in the quiet after each cycle of outages. */
  readonly live: Levels;
  readonly resident: Levels;
  readonly peakRssBytes: number;
}

export interface Levels {
  readonly before: number;
  readonly afterCycle: readonly number[];
}

const HOST = 'soak';
/** Longest wait at the end for the worker to have its lanes again. */
const SETTLE_MS = 60_000;

/**
 * A collector without its capture, a worker and the maintenance, as the program assembles them, in this process; Redis and
 * InfluxDB as children that are killed and come back. Frames are made at the pace of a real host.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const [influx, redis] = await Promise.all([startInflux(), startRedis()]);
  const folder = temporaryFolder();
  const config = configOf(folder.path, influx, redis);
  try {
    const backends = await openBackends(config, clock, options.log);
    try {
      return await play(options, config, backends, { influx, redis });
    } finally {
      await backends.close();
    }
  } finally {
    await Promise.all([influx.stop(), redis.stop()]);
    folder.remove();
  }
}

function configOf(folder: string, influx: InfluxServer, redis: RedisServer): Config {
  return SCHEMA.parse({
    host: HOST,
    data: join(folder, 'data'),
    store: { kind: 'influx', influx: { url: influx.url } },
    queue: { kind: 'bullmq' },
    redis: { url: redis.url },
    state: { kind: 'redis', lease: '3s' },
  });
}

type Servers = Readonly<Record<'influx' | 'redis', InfluxServer | RedisServer>>;

async function play(
  options: SoakOptions,
  config: Config,
  backends: Backends,
  servers: Servers,
): Promise<SoakReport> {
  const { log, lengthMs, intervalMs, containers, onSample } = options;
  mkdirSync(config.data, { recursive: true });
  const outbox = await openOutbox({ config, clock, log }, backends);
  const owner = 'soak';
  const { lease: leaseMs, checkpoint: checkpointMs } = config.state;
  const worker = Worker.start({
    ...backends,
    clock,
    log,
    owner,
    leaseMs,
    checkpointMs,
    silentAfterMs: 60_000,
  });
  const maintenance = new Maintenance({ ...backends, clock, log, owner, rawMs: config.store.retention.raw });
  maintenance.start();

  const outages = outagesOf(options, servers);
  const next = frameSource(HOST, containers, intervalMs);
  const samples: Sample[] = [];
  const begun = clock.monotonic();
  const epoch = clock.now();
  let pushed = 0;
  const isOver = (ms: number) => ms >= lengthMs && outages.every(({ state }) => state === 'after');
  for (let ms = 0; !isOver(ms); ms = clock.monotonic() - begun) {
    for (const outage of outages) await turn(outage, ms);
    outbox.shipper.push(next(epoch + pushed * intervalMs));
    pushed++;
    const away = outages.filter(({ state }) => state === 'away').map(({ name }) => name);
    options.collectGarbage?.();
    const sample = {
      ms: Math.round(ms),
      ...memory(),
      pending: outbox.shipper.status().pending,
      folded: worker.status().frames,
      away: away.join(', '),
    };
    samples.push(sample);
    onSample(sample);
    await clock.sleep(Math.max(0, pushed * intervalMs - (clock.monotonic() - begun)));
  }

  await outbox.stop();
  await maintenance.stop();
  await settled(backends, worker, config);
  await worker.stop();
  const isFolded = (await backends.state.foldedUpTo(HOST)) === epoch + (pushed - 1) * intervalMs;
  const { dropped, refused, skipped } = outbox.shipper.status();
  return {
    ...(await stored(backends, options, epoch, pushed)),
    ...memoryOf(samples, options),
    samples,
    pushed,
    isFolded,
    dropped: dropped + refused + skipped,
  };
}

interface Outage {
  readonly name: string;
  readonly server: InfluxServer | RedisServer;
  readonly from: number;
  readonly to: number;
  state: 'before' | 'away' | 'after';
}

/** Ms from a soak's begin: where its first part ends, and how long each cycle is. */
function partsOf({ lengthMs, cycles }: SoakOptions): { first: number; cycle: number } {
  const first = lengthMs / (1 + 2 * cycles);
  return { first, cycle: 2 * first };
}

function outagesOf(options: SoakOptions, servers: Servers): Outage[] {
  const { first, cycle } = partsOf(options);
  return Array.from({ length: options.cycles }, (_, n) => first + n * cycle).flatMap(begin =>
    [
      { name: 'store', server: servers.influx, from: begin },
      { name: 'queue', server: servers.redis, from: begin + cycle / 2 },
    ].map(outage => ({ ...outage, to: outage.from + options.outageMs, state: 'before' as const })),
  );
}

/** End or restart the server when it is time. */
async function turn(outage: Outage, ms: number): Promise<void> {
  if (outage.state === 'before' && ms >= outage.from) {
    await outage.server.child.stop('SIGKILL');
    outage.state = 'away';
  } else if (outage.state === 'away' && ms >= outage.to) {
    await outage.server.restart();
    outage.state = 'after';
  }
}

/**
 * Wait until the worker has its lanes and has taken what was queued. Only after the length of a lease it is certain to
 * know that it lost them when Redis ended.
 */
async function settled({ queue }: Backends, worker: Worker, config: Config): Promise<void> {
  const deadline = clock.monotonic() + SETTLE_MS;
  await clock.sleep(config.state.lease);
  while (clock.monotonic() < deadline) {
    if (worker.status().lanes === config.queue.lanes && (await queue.depth()) === 0) return;
    await clock.sleep(250);
  }
}

function memory() {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rssBytes: rss, liveBytes: heapUsed + external };
}

/** Before the first outage without the begin, and the end of each cycle, when what had waited is long worked off. */
function memoryOf(samples: readonly Sample[], options: SoakOptions) {
  const { first, cycle } = partsOf(options);
  const ends = Array.from({ length: options.cycles }, (_, n) => first + (n + 1) * cycle);
  const levels = (of: 'rssBytes' | 'liveBytes'): Levels => {
    const median = (from: number, to: number) => {
      const part = samples.filter(({ ms }) => ms >= from && ms < to).map(sample => sample[of]);
      return part.sort((a, b) => a - b)[Math.floor(part.length / 2)] ?? 0;
    };
    return {
      before: median(first / 2, first),
      afterCycle: ends.map(end => median(end - cycle / 6, end)),
    };
  };
  const peakRssBytes = Math.max(...samples.map(({ rssBytes }) => rssBytes));
  return { live: levels('liveBytes'), resident: levels('rssBytes'), peakRssBytes };
}

/** Frames in the store, compared with the same frames made again. */
async function stored({ store }: Backends, options: SoakOptions, epoch: number, pushed: number) {
  const again = frameSource(HOST, options.containers, options.intervalMs);
  let count = 0;
  let wrong = 0;
  for await (const frame of store.readFrames(HOST, { from: epoch, to: Number.POSITIVE_INFINITY })) {
    const expected = again(epoch + count * options.intervalMs);
    if (JSON.stringify(frame) !== JSON.stringify(expected)) wrong++;
    count++;
  }
  return { stored: count, wrong: wrong + Math.abs(pushed - count) };
}
