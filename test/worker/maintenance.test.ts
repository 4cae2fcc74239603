import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Interval } from '../../core/interval.ts';
import { bucketStart, type Rollup } from '../../core/traffic/rollup.ts';
import type { State } from '../../state/contract.ts';
import { SqliteStore } from '../../store/sqlite/store.ts';
import { Maintenance } from '../../worker/maintenance.ts';
import { ManualClock } from '../parts/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith, type Part } from '../parts/need.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { influxUnderTest, sqliteUnderTest, type UnderTest } from '../store/stores.ts';
import { openFiles, webFrame } from './fixture.ts';

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const RETENTION = { raw: 2 * DAY, minute: 5 * DAY, hour: 30 * DAY };
/** Long before the first frame of the fixture there is nothing; this is the hour in which it begins. */
const T0 = bucketStart(webFrame(0, 1).start, HOUR);
/** Windows and flows have buckets of their own. */
const KINDS = 2;

describe('maintenance', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: ManualClock;
  let store: SqliteStore;
  let state: State;
  const running: Maintenance[] = [];

  beforeEach(async () => {
    folder = temporaryFolder();
    clock = new ManualClock(T0);
    store = new SqliteStore(join(folder.path, 'tidegauge.db'), RETENTION);
    state = openFiles(folder.path, clock).state;
    await Promise.all([store.open(), state.open()]);
  });
  afterEach(async () => {
    const stopped = Promise.all(running.splice(0).map(maintenance => maintenance.stop()));
    clock.advance(HOUR);
    await stopped;
    await Promise.all([store.close(), state.close()]);
    folder.remove();
  });

  function start(owner: string): Maintenance {
    const { log } = recordingLog();
    const maintenance = new Maintenance({ store, state, clock, log, owner, rawMs: RETENTION.raw });
    running.push(maintenance);
    maintenance.start();
    return maintenance;
  }

  const framesAt = (...starts: number[]) =>
    starts.map(start => ({ ...webFrame(0, 1000), start, previous: null }));

  async function series(stepMs: number): Promise<Rollup[]> {
    const all: Rollup[] = [];
    const everything = { from: 0, to: Number.POSITIVE_INFINITY };
    for await (const rollup of store.readSeries('box', everything, stepMs)) all.push(rollup);
    return all;
  }

  async function raw(): Promise<number[]> {
    const starts: number[] = [];
    const everything = { from: 0, to: Number.POSITIVE_INFINITY };
    for await (const frame of store.readFrames('box', everything)) starts.push(frame.start);
    return starts;
  }

  /** Let time pass and wait until the loops have come to rest again. */
  async function pass(ms: number): Promise<void> {
    clock.advance(ms);
    await until('the loops to rest', () => clock.sleeping === running.length);
  }

  it('is done by one process, and taken over when that one is silent', async () => {
    await store.writeFrames(framesAt(T0, T0 + MINUTE));
    clock.advance(10 * MINUTE);
    const [one, two] = [start('one'), start('two')];
    await until('both to have looked', () => clock.sleeping === 2);
    expect([one.status().owned, two.status().owned].filter(Boolean)).toHaveLength(1);
    const [owner, other] = one.status().owned ? [one, two] : [two, one];
    expect(owner.status()).toMatchObject({ buckets: KINDS * 2, failing: null });
    expect(other.status().buckets).toBe(0);
    running.splice(running.indexOf(owner), 1);
    await owner.stop();
    clock.advance(MINUTE);
    await until('the other to take over', () => other.status().owned);
  });

  it('makes a bucket when its frames have settled, and again when a late one comes', async () => {
    await store.writeFrames(framesAt(T0, T0 + 5000));
    clock.advance(MINUTE + 10_000);
    const maintenance = start('one');
    await until('the first round', () => clock.sleeping === 1);
    expect(maintenance.status().buckets).toBe(0);
    await pass(MINUTE);
    expect(maintenance.status().buckets).toBe(KINDS);
    await store.writeFrames(framesAt(T0 + 10_000));
    await pass(MINUTE);
    expect(maintenance.status().buckets).toBe(KINDS * 2);
    expect((await series(MINUTE)).map(rollup => rollup.frames)).toEqual([3]);
    await pass(MINUTE);
    expect(maintenance.status().buckets).toBe(KINDS * 2);
  });

  it('finds what was stored long after its time', async () => {
    const maintenance = start('one');
    await until('the first round', () => clock.sleeping === 1);
    await pass(6 * HOUR);
    await store.writeFrames(framesAt(T0));
    await pass(MINUTE);
    // Its minute and its hour.
    expect(maintenance.status().buckets).toBe(KINDS * 2);
  });

  it('deletes what is too old and keeps the sums: windows first, then minutes, hours last', async () => {
    await store.writeFrames(framesAt(T0, T0 + 5000, T0 + DAY));
    clock.advance(DAY + 2 * HOUR);
    const maintenance = start('one');
    await until('the first round', () => clock.sleeping === 1);
    const [first] = await series(HOUR);
    expect(await raw()).toHaveLength(3);

    await pass(DAY);
    expect(await raw()).toEqual([T0 + DAY]);
    expect(maintenance.status().expired).toBeGreaterThan(0);
    expect((await series(MINUTE)).map(rollup => rollup.frames)).toEqual([2, 1]);

    await pass(4 * DAY - 3 * HOUR);
    expect(await raw()).toEqual([]);
    expect((await series(MINUTE)).map(rollup => rollup.start)).toEqual([T0 + DAY]);
    expect((await series(HOUR))[0]).toEqual(first);

    await pass(30 * DAY);
    expect(await series(HOUR)).toEqual([]);
  });

  it('goes on when the store was away', async () => {
    await store.writeFrames(framesAt(T0));
    clock.advance(10 * MINUTE);
    await store.close();
    const maintenance = start('one');
    await until('the first round', () => clock.sleeping === 1);
    expect(maintenance.status().failing).toMatch(/closed/);
    await store.open();
    await pass(MINUTE);
    expect(maintenance.status()).toMatchObject({ failing: null, buckets: KINDS });
  });
});

/** Stores as `test/store/stores.ts` starts them. */
const STORES: readonly [name: string, parts: readonly Part[], start: () => Promise<UnderTest>][] = [
  ['sqlite', [], sqliteUnderTest],
  ['influx', ['influx'], influxUnderTest],
];

for (const [name, parts, startStore] of STORES) {
  describeWith(parts, `maintenance after an outage: ${name}`, () => {
    it('rolls up a backlog of hours in the next round, and does not look that far back again', async () => {
      const folder = temporaryFolder();
      const clock = new ManualClock(T0 + 12 * HOUR);
      const under = await startStore();
      const { state } = openFiles(folder.path, clock);
      await Promise.all([under.store.init(), state.open()]);
      const { store } = under;
      const looked: number[] = [];
      const watched = new Proxy(store, {
        get(target, property) {
          const method: unknown = Reflect.get(target, property);
          if (typeof method !== 'function') return method;
          // A database of somebody else's may have others.
          if (property === 'hosts') return async () => ['box'];
          return (...args: unknown[]) => {
            if (property === 'rollUp') looked.push((clock.now() - (args[1] as Interval).from) / HOUR);
            return method.apply(target, args);
          };
        },
      });
      const at = (hours: number) => ({ ...webFrame(0, 1000), start: T0 + hours * HOUR, previous: null });
      await store.writeFrames([at(0)]);
      const maintenance = new Maintenance({
        ...{ store: watched, state, clock, log: recordingLog().log },
        ...{ owner: 'one', rawMs: DAY },
      });
      try {
        maintenance.start();
        const round = async (buckets: number) => {
          const rounds = looked.length;
          clock.advance(MINUTE);
          await until('a round', () => looked.length > rounds && clock.sleeping === 1);
          expect(maintenance.status()).toMatchObject({ buckets: KINDS * buckets, failing: null });
        };
        await until('the first round', () => looked.length > 0 && clock.sleeping === 1);
        expect(maintenance.status().buckets).toBe(KINDS * 2);
        await store.writeFrames([at(11)], { ahead: true });
        await round(4);
        // Older than the newest, and than what each round looks at anyway.
        await store.writeFrames([at(1), at(2)]);
        await round(8);
        await store.writeFrames([at(3)]);
        await round(10);
        await round(10);
        expect(looked.map(Math.floor)).toEqual([12, 12, 12, 10, 9]);
      } finally {
        const stopping = maintenance.stop();
        clock.advance(HOUR);
        await stopping;
        await Promise.all([under.stop(), state.close()]);
        folder.remove();
      }
    });
  });
}
