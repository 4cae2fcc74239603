/**
 * Whether what grows with time or trouble costs more than in proportion: sums of flows over a longer range, and looking
 * for due deliveries while more of them wait for their time.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock as clock } from '../../../core/clock.ts';
import type { Flow } from '../../../core/traffic/flow.ts';
import type { State } from '../../../state/contract.ts';
import { createRedisState } from '../../../state/redis/state.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { incidentOf, notificationOf } from '../../../test/data/incidents.ts';
import { temporaryFolder } from '../../../test/parts/process.ts';
import { startRedis } from '../../../test/parts/redis/server.ts';
import { type BenchTable, inTurn, median, spread } from '../measure.ts';

const ROUNDS = 5;
const DAYS = 7;
const DAY_MS = 86_400_000;
/** Frames of a minute, so that a week is written soon. */
const FRAME_MS = 60_000;
const CONTAINERS = 10;
const PEERS = 4;
const WAITING = { few: 100, many: 2000 };
/** Deliveries that one commit brings. */
const COMMIT = 500;
/** Searches of one round. */
const SEARCHES = 200;

export async function growthBench(): Promise<BenchTable[]> {
  const tables = [await flowsTable()];
  if (spawnSync('redis-server', ['--version']).status === 0) tables.push(await deliveriesTable());
  return tables;
}

/** Ratio: time for each hour, against the shorter range. */
async function flowsTable(): Promise<BenchTable> {
  const folder = temporaryFolder();
  const store = new SqliteStore(join(folder.path, 'tidegauge.db'));
  try {
    await store.open();
    for (let day = 0; day < DAYS; day++) await store.writeFrames(dayOfFlows(day));
    const perHour = async (days: number) => {
      const taken = await milliseconds(() => store.readFlows('bench', { from: 0, to: days * DAY_MS }));
      return taken / (days * 24);
    };
    const { day, week } = await inTurn(ROUNDS, { day: () => perHour(1), week: () => perHour(DAYS) });
    const rows = [row('1 day', day, day, 'ms an hour'), row(`${DAYS} days`, week, day, 'ms an hour')];
    return { title: 'Sums of flows for `map`, SQLite; ratio: time for each hour of the range', rows };
  } finally {
    await store.close();
    folder.remove();
  }
}

function dayOfFlows(day: number) {
  const names = Array.from({ length: CONTAINERS }, (_, i) => `c${i}`);
  const containers = names.map(name => ({
    ...{ name, kind: 'container' as const, service: name, replica: '1', image: 'web:1', id: name },
  }));
  const flows = names.flatMap(container =>
    Array.from(
      { length: PEERS },
      (_, i): Flow => ({
        ...{ container, protocol: 'tcp', role: 'client', peerKind: 'container', peer: `peer${i}`, port: 80 },
        ...{ address: '10.0.0.1', sentMessages: 10, sentBytes: 1000, receivedMessages: 10 },
        ...{ receivedBytes: 5000, connections: 1, failures: 0 },
      }),
    ),
  );
  return Array.from({ length: DAY_MS / FRAME_MS }, (_, n) => {
    const start = day * DAY_MS + n * FRAME_MS;
    return {
      ...{ host: 'bench', start, durationMs: FRAME_MS, previous: start === 0 ? null : start - FRAME_MS },
      ...{ faults: [], lost: 0, occupancy: 0, containers, started: [], ended: [], windows: [], flows },
      connections: [],
    };
  });
}

/** Ratio: time for a search, against fewer that wait. */
async function deliveriesTable(): Promise<BenchTable> {
  const redis = await startRedis();
  const log = pino({ level: 'silent' });
  const waiting = async (count: number): Promise<State> => {
    const state = createRedisState({ url: redis.url, prefix: `waiting-${count}`, clock, log });
    await state.open();
    const lease = await state.acquire('bench', 'bench', 600_000);
    if (!lease) throw new Error('the lease is held by somebody else');
    for (let first = 0; first < count; first += COMMIT) {
      const size = Math.min(COMMIT, count - first);
      const incidents = Array.from({ length: size }, (_, i) => incidentOf(first + i));
      const notifications = incidents.map(one => notificationOf(one, 'hook'));
      await state.commit(lease, { incidents, notifications });
      for (const { key } of notifications)
        await state.updateDelivery(lease, key, {
          ...{ status: 'pending', attempts: 1, nextAttempt: Number.MAX_SAFE_INTEGER, lastError: 'refused' },
        });
    }
    return state;
  };
  try {
    const states = { few: await waiting(WAITING.few), many: await waiting(WAITING.many) };
    const search = async (state: State) => {
      const taken = await milliseconds(async () => {
        for (let i = 0; i < SEARCHES; i++) await state.dueDeliveries('hook', clock.now(), 100);
      });
      return taken / SEARCHES;
    };
    const { few, many } = await inTurn(ROUNDS, {
      few: () => search(states.few),
      many: () => search(states.many),
    });
    await Promise.all(Object.values(states).map(state => state.close()));
    const name = (count: number) => `${count} wait for their next attempt`;
    const rows = [row(name(WAITING.few), few, few, 'ms'), row(name(WAITING.many), many, few, 'ms')];
    return { title: 'Search for due deliveries, Redis; ratio: time for a search', rows };
  } finally {
    await redis.stop();
  }
}

async function milliseconds(action: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await action();
  return performance.now() - begun;
}

function row(name: string, numbers: readonly number[], against: readonly number[], unit: string) {
  const ratios = numbers.map((n, i) => n / (against[i] ?? Number.NaN));
  return {
    name,
    value: `${median(numbers).toFixed(2)} ${unit}`,
    ratio: median(ratios).toFixed(2),
    spread: spread(ratios),
  };
}
