import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { systemClock } from '../../core/clock.ts';
import { createInlineQueue } from '../../queue/inline.ts';
import type { State } from '../../state/contract.ts';
import { createRedisState } from '../../state/redis/state.ts';
import { createSqliteState } from '../../state/sqlite/state.ts';
import { shareOf, Worker } from '../../worker/worker.ts';
import { ManualClock } from '../parts/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { type RedisServer, startRedis } from '../parts/redis/server.ts';
import { limitFold, openFiles, UNGROUPED } from './fixture.ts';

const LANES = 8;
const LEASE_MS = 1000;

it('shares are all lanes, differ by one at most, and do not depend on who asks', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 256 }),
      fc.uniqueArray(fc.string(), { minLength: 1 }),
      (lanes, owners) => {
        const members = [...owners].sort();
        const shares = members.map(owner => shareOf(lanes, members, owner));
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(lanes);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      },
    ),
  );
});

it('a worker with nothing to do writes twice a round, however many lanes it has', async () => {
  const folder = temporaryFolder();
  const { log } = recordingLog();
  const clock = new ManualClock(0);
  const { store, state } = openFiles(folder.path, clock);
  await Promise.all([store.open(), state.open()]);
  const calls: string[] = [];
  const counted = new Proxy(state, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => {
        calls.push(String(name));
        return method.apply(target, args);
      };
    },
  });
  const queue = createInlineQueue({ lanes: LANES, clock, log });
  const worker = Worker.start({
    ...{ fold: limitFold(1), store, queue, state: counted, receivers: [], policy: UNGROUPED, clock, log },
    ...{ owner: 'a', leaseMs: LEASE_MS, checkpointMs: 1000, silentAfterMs: 60_000 },
  });
  // The worker itself, the review of what is held, repetitions, and the annotation of what people did.
  const rest = () => until('the worker to rest', () => worker.status().policy && clock.sleeping === 4);
  const rounds = async () => {
    for (let round = 0; round < 4; round++) {
      clock.advance(LEASE_MS / 4);
      await rest();
    }
  };
  await rest();
  // Each lane reads once when its hosts were last seen.
  await rounds();
  calls.length = 0;
  await rounds();
  expect(worker.status().lanes).toBe(LANES);
  expect(calls).toEqual(Array.from({ length: 4 }, () => ['announce', 'renewAll']).flat());
  await worker.stop();
  await Promise.all([queue.close(), state.close(), store.close()]);
  folder.remove();
});

it('a lane is swept again only when the last sweep is over, however long it takes', async () => {
  const folder = temporaryFolder();
  const { log } = recordingLog();
  const clock = new ManualClock();
  const { store, state } = openFiles(folder.path, clock);
  await Promise.all([store.open(), state.open()]);
  let sweeps = 0;
  let end = () => {};
  store.hosts = () => {
    sweeps++;
    return new Promise(resolve => {
      end = () => resolve([]);
    });
  };
  const queue = createInlineQueue({ lanes: 1, clock, log });
  const worker = Worker.start({
    ...{ fold: limitFold(1), store, queue, state, receivers: [], policy: UNGROUPED, clock, log },
    ...{ owner: 'a', leaseMs: LEASE_MS, checkpointMs: 1000, silentAfterMs: 60_000 },
  });
  const round = async () => {
    await until('the worker to rest', () => worker.status().policy && clock.sleeping === 4);
    clock.advance(LEASE_MS / 4);
  };
  for (let i = 0; i < 8; i++) await round();
  expect(sweeps).toBe(1);
  end();
  await until('the next sweep', async () => {
    await round();
    return sweeps === 2;
  });
  store.hosts = async () => [];
  end();
  await worker.stop();
  await Promise.all([queue.close(), state.close(), store.close()]);
  folder.remove();
});

function lanesMove(create: (log: ReturnType<typeof recordingLog>['log']) => State): void {
  it('lanes spread evenly over the workers that there are, as they come, go and die', async () => {
    const folder = temporaryFolder();
    const { log } = recordingLog();
    const { store } = openFiles(folder.path, systemClock);
    await store.open();
    const closing: (() => Promise<void>)[] = [() => store.close()];
    const start = async (owner: string) => {
      const state = create(log);
      await state.open();
      const queue = createInlineQueue({ lanes: LANES, clock: systemClock, log });
      const worker = Worker.start({
        ...{
          fold: limitFold(1),
          store,
          queue,
          state,
          receivers: [],
          policy: UNGROUPED,
          clock: systemClock,
          log,
        },
        ...{ owner, leaseMs: LEASE_MS, checkpointMs: 1000, silentAfterMs: 60_000 },
      });
      closing.push(async () => {
        await queue.close();
        await state.close();
      });
      return { worker, state };
    };
    const lanesOf = (...workers: Worker[]) => workers.map(worker => worker.status().lanes);
    const spread = (what: string, expected: readonly number[], ...workers: Worker[]) =>
      until(what, () => lanesOf(...workers).join() === expected.join());

    const a = await start('a');
    await spread('the only worker to have all', [8], a.worker);
    const b = await start('b');
    await spread('two to share', [4, 4], a.worker, b.worker);
    const c = await start('c');
    await spread('three to share', [3, 3, 2], a.worker, b.worker, c.worker);
    await b.worker.stop();
    await spread('two to share again', [4, 4], a.worker, c.worker);
    await until('a share for a worker who takes nothing', async () => {
      await a.state.announce('d', LEASE_MS);
      return lanesOf(a.worker, c.worker).join() === '3,3';
    });
    // One that is paused says nothing any more, and its time runs out.
    await spread('its share to come back', [4, 4], a.worker, c.worker);
    await a.worker.stop();
    await c.worker.stop();
    for (const close of closing.reverse()) await close();
    folder.remove();
  });
}

describe('workers over SQLite', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  lanesMove(() => createSqliteState({ file: `${folder.path}/state.db`, clock: systemClock }));
});

describeWith(['redis'], 'workers over Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  lanesMove(log => createRedisState({ url: redis.url, prefix: 'lanes', clock: systemClock, log }));
});
