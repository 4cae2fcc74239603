/**
 * What a second worker brings: the frames of many hosts wait in Redis, and one process or two fold them, as
 * `tidegauge detect` does. With two cores Redis has to share them with the workers, and one worker keeps more than one
 * core busy already (its garbage collector has threads). So what each process needed of them is shown as well, and what
 * is the most that two workers could do.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Queue as BullQueue } from 'bullmq';
import { Redis } from 'ioredis';
import { makeQueue, SCHEMA } from '../../../app/wire.ts';
import { systemClock as clock } from '../../../core/clock.ts';
import type { Config } from '../../../core/config/config.ts';
import { laneName, laneOf } from '../../../core/lane.ts';
import { stateKeys } from '../../../state/redis/keys.ts';
import { busyParts, frameOf } from '../../../test/data/frames.ts';
import { silentLog } from '../../../test/parts/kernel/capture.ts';
import { type Child, temporaryFolder, until } from '../../../test/parts/process.ts';
import { type RedisServer, startRedis } from '../../../test/parts/redis/server.ts';
import { tidegauge, writeConfig } from '../../../test/parts/tidegauge.ts';
import { type BenchTable, inTurn, median, spread } from '../measure.ts';

const ROUNDS = 3;
const LANES = 8;
const FRAMES = 60;
const CONTAINERS = 500;
const LEASE_MS = 2000;

/** Seconds that it took, and seconds of a processor that the workers together and Redis needed. */
interface Run {
  readonly seconds: number;
  readonly workers: number;
  readonly redis: number;
}

export async function workersBench(): Promise<BenchTable[]> {
  const runs: Record<'one' | 'two', Run[]> = { one: [], two: [] };
  const measured = (name: 'one' | 'two', count: number) => async () => {
    const run = await folded(count);
    runs[name].push(run);
    return run.seconds;
  };
  const { one, two } = await inTurn(ROUNDS, { one: measured('one', 1), two: measured('two', 2) });
  const total = LANES * FRAMES;
  const rate = (seconds: readonly number[]) => `${Math.round(total / median(seconds))} frames/s`;
  const ratios = two.map((seconds, round) => (one[round] ?? Number.NaN) / seconds);
  const share = (name: 'one' | 'two') => `${Math.round(100 * median(runs[name].map(shareOfCores)))} %`;
  const least = runs.one.map(leastSeconds);
  const reached = two.map((seconds, round) => (least[round] ?? Number.NaN) / seconds);
  const cost = (of: keyof Run, name: 'one' | 'two') => runs[name].map(run => (run[of] * 1000) / total);
  const costRow = (title: string, of: keyof Run) => {
    const both = cost(of, 'one').map((ms, round) => (cost(of, 'two')[round] ?? Number.NaN) / ms);
    const value = `${median(cost(of, 'two')).toFixed(2)} ms`;
    return { name: title, value, ratio: median(both).toFixed(2), spread: spread(both) };
  };
  return [
    {
      title: `Worker processes, frames of ${LANES} hosts with ${CONTAINERS} containers each; ratio: two to one`,
      rows: [
        { name: 'one worker', value: rate(one), ratio: '1.00', spread: '' },
        { name: 'two workers', value: rate(two), ratio: median(ratios).toFixed(2), spread: spread(ratios) },
        {
          name: `most that ${availableParallelism()} cores allow, by what one needed; ratio: reached of it`,
          value: rate(least),
          ratio: median(reached).toFixed(2),
          spread: spread(reached),
        },
        {
          name: 'part of the cores that they and Redis had, one and two',
          value: `${share('one')}, ${share('two')}`,
          ratio: '',
          spread: '',
        },
        costRow('processor time of the workers per frame, with two', 'workers'),
        costRow('processor time of Redis per frame, with two', 'redis'),
      ],
    },
  ];
}

/** For two workers, by what one and Redis needed: twice as fast, or with all cores busy. */
function leastSeconds({ seconds, workers, redis }: Run): number {
  return Math.max(seconds / 2, (workers + redis) / availableParallelism());
}

/** The rest of the cores was idle, or other processes had it. */
const shareOfCores = ({ seconds, workers, redis }: Run): number =>
  (workers + redis) / (seconds * availableParallelism());

/** All frames are queued while the lanes are paused; what is measured is from there to the last frame. */
async function folded(count: number): Promise<Run> {
  const redis = await startRedis();
  const folder = temporaryFolder();
  const settings = settingsFor(redis.url, folder.path);
  const config = SCHEMA.parse(settings);
  const cwd = writeConfig(folder.path, settings);
  const workers = Array.from({ length: count }, () => tidegauge(['detect'], { cwd }));
  const lanes = Array.from(
    { length: LANES },
    (_, lane) =>
      new BullQueue(laneName(lane), { connection: { url: redis.url }, prefix: `{${config.redis.prefix}}` }),
  );
  const queue = await makeQueue(config, clock, silentLog);
  try {
    await until('the lanes to be shared', () => areShared(redis, config, count), 30_000);
    await Promise.all(lanes.map(lane => lane.pause()));
    await publish(queue);
    const before = processorTimes(redis, workers);
    const begun = clock.monotonic();
    await Promise.all(lanes.map(lane => lane.resume()));
    await until('the frames to be folded', async () => (await queue.depth()) === 0, 120_000);
    const seconds = (clock.monotonic() - begun) / 1000;
    const after = processorTimes(redis, workers);
    return { seconds, workers: after.workers - before.workers, redis: after.redis - before.redis };
  } finally {
    await Promise.all([queue.close(), ...lanes.map(lane => lane.close())]);
    await Promise.all(workers.map(worker => worker.stop()));
    await redis.stop();
    folder.remove();
  }
}

const settingsFor = (url: string, data: string) => ({
  host: 'bench',
  data,
  store: { kind: 'sqlite', sqlite: { file: join(data, 'store.db') } },
  queue: { kind: 'bullmq', lanes: LANES },
  state: { kind: 'redis', lease: `${LEASE_MS}ms` },
  redis: { url },
  http: { listen: 'off' },
});

/** Whether every lane has an owner, and each of so many owners has as many lanes. */
async function areShared({ url }: RedisServer, config: Config, owners: number): Promise<boolean> {
  const client = new Redis(url);
  const { lease } = stateKeys(config.redis.prefix);
  const held = await client.mget(Array.from({ length: LANES }, (_, lane) => lease(laneName(lane))));
  client.disconnect();
  const lanes = Map.groupBy(
    held.flatMap(text => text?.split(' ')[2] ?? []),
    owner => owner,
  );
  return lanes.size === owners && [...lanes.values()].every(({ length }) => length === LANES / owners);
}

/** A host for each lane, so that all have the same to do. */
function hosts(): string[] {
  return Array.from({ length: LANES }, (_, lane) => {
    for (let n = 0; ; n++) if (laneOf(`host-${n}`, LANES) === lane) return `host-${n}`;
  });
}

async function publish(queue: Awaited<ReturnType<typeof makeQueue>>): Promise<void> {
  await queue.open();
  const parts = busyParts(CONTAINERS);
  const all = hosts();
  for (let n = 0; n < FRAMES; n++) await Promise.all(all.map(host => queue.publish(frameOf(host, n, parts))));
}

function processorTimes(redis: RedisServer, workers: readonly Child[]): Pick<Run, 'workers' | 'redis'> {
  return {
    workers: workers.reduce((sum, worker) => sum + processorSeconds(worker), 0),
    redis: processorSeconds(redis.child),
  };
}

/** Of all its threads, user and system, since it started. Linux counts in hundredths of a second. */
function processorSeconds({ process: { pid } }: Child): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold spaces; user and system time are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
