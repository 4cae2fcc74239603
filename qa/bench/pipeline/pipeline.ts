/** How long an alert takes from the end of its interval, how fast a backlog is worked off, and what Redis has to carry. */
import { Redis } from 'ioredis';
import { systemClock as clock } from '../../../core/clock.ts';
import { temporaryFolder } from '../../../test/parts/process.ts';
import { type BenchTable, median } from '../measure.ts';
import { CONTAINERS, frame, INTERVAL_MS, onBoth, type Running, startOf, workOff } from './way.ts';

/** Five minutes of frames that wait; qa/bench/drain.ts has an hour of them. */
const BACKLOG = 60;
const ALERTS = 100;

type Rows = BenchTable['rows'][number][];

/** Ratios are to real time for the backlog, and to the promised second for alerts. */
export async function pipelineBench(): Promise<BenchTable[]> {
  return [
    {
      title: `From spool to stored alert, ${CONTAINERS} containers; ratio: real time / time taken, promised 1 s / time taken`,
      rows: (await onBoth(installation)).flat(),
    },
  ];
}

async function installation(name: string, settings: object, redisUrl?: string): Promise<Rows> {
  const folder = temporaryFolder();
  const { running, seconds } = await workOff(folder.path, settings, BACKLOG);
  try {
    const before = redisUrl === undefined ? null : await carried(redisUrl);
    const delays = await alertDelays(running);
    const after = redisUrl === undefined ? null : await carried(redisUrl);
    return [
      backlogRow(`${name}: backlog of ${BACKLOG} frames`, BACKLOG, seconds),
      alertRow(name, delays),
      ...(before && after ? redisRows(before, after) : []),
    ];
  } finally {
    await running.stop();
    folder.remove();
  }
}

/** Seconds for so many frames, as a ratio to real time. */
export const backlogRow = (name: string, frames: number, seconds: number): Rows[number] => ({
  name,
  value: `${seconds.toFixed(1)} s`,
  ratio: ((frames * INTERVAL_MS) / 1000 / seconds).toFixed(1),
  spread: '',
});

/** Milliseconds from the end of each interval to its alert being stored: one opens, the next frame resolves it. */
async function alertDelays(running: Running): Promise<number[]> {
  const delays: number[] = [];
  let previous = startOf(BACKLOG - 1);
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
