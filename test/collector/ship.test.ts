import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  createShipper,
  type Shipper,
  type ShipperOptions,
  type ShipperStatus,
} from '../../collector/ship.ts';
import { Spool } from '../../collector/spool/spool.ts';
import { systemClock } from '../../core/clock.ts';
import { ExchangeError } from '../../core/errors.ts';
import { encodeFrame, type Frame } from '../../core/frame.ts';
import { FOREVER } from '../../core/rollup.ts';
import { createBullmqQueue } from '../../queue/bullmq.ts';
import { createInlineQueue, type InlineQueue } from '../../queue/inline.ts';
import { createStore } from '../../store/index.ts';
import { SqliteStore } from '../../store/sqlite/store.ts';
import { busyParts, frameOf } from '../parts/frames.ts';
import { startInflux } from '../parts/influx.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { startRedis } from '../parts/redis.ts';

const failure = (retry: boolean) =>
  new ExchangeError({ place: 'here', expected: 'success', found: 'a fault', remedy: 'Wait.' }, { retry });

const LIMITS = { bytes: 64 * 1024 * 1024, memoryBytes: 1024 * 1024, ageMs: Number.MAX_SAFE_INTEGER };
const ALL = { from: 0, to: Number.MAX_SAFE_INTEGER };
const frames = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => frameOf('web-1', from + i));
/** What is left of frames of which some were lost: each says how many were right before it. */
function withDropped(all: readonly Frame[], isLost: (frame: Frame) => boolean): Frame[] {
  let dropped = 0;
  return all.flatMap(frame => {
    if (isLost(frame)) {
      dropped++;
      return [];
    }
    const kept = dropped > 0 ? { ...frame, dropped } : frame;
    dropped = 0;
    return [kept];
  });
}
/** A new frame behind the others for each of the first requests. */
function live(all: Frame[], attempts: number): Frame[] {
  if (attempts > 10) return [];
  const frame = frameOf(all[0]?.host ?? '', all.length);
  all.push(frame);
  return [frame];
}
const starts = (list: readonly Frame[]) => list.map(frame => frame.start);

describe('shipper', () => {
  const folder = temporaryFolder();
  let runs = 0;
  let store: SqliteStore;
  let queue: InlineQueue;
  let shipper: Shipper;
  let spool: Spool;
  let taken: Frame[];
  /** What is wrong with store and queue at the moment: called with what is about to be done. */
  let storeFault: (batch: readonly Frame[]) => Promise<void>;
  let queueFault: (frame: Frame) => Promise<void>;
  let batches: number[];
  /** Starts of frames that were stored ahead of their turn. */
  let ahead: number[];
  let logged: ReturnType<typeof recordingLog>;

  afterAll(() => folder.remove());
  beforeEach(async () => {
    store = new SqliteStore(join(folder.path, `${runs++}.db`));
    await store.open();
    logged = recordingLog();
    queue = createInlineQueue({ lanes: 1, clock: systemClock, log: logged.log });
    taken = [];
    batches = [];
    ahead = [];
    storeFault = queueFault = async () => {};
    queue.consume(0, async frame => {
      taken.push(frame);
    });
  });
  afterEach(async () => {
    await shipper.stop();
    spool.close();
    await queue.close();
    await store.close();
  });

  const openSpool = () => {
    const name = join(folder.path, `${runs++}.spool`);
    spool = Spool.open({ folder: name, fsync: 'never', clock: systemClock, log: logged.log });
    return spool;
  };
  /** A shipper to a real store and queue whose faults are ours. */
  const create = (options: Partial<ShipperOptions> = {}) => {
    shipper = createShipper({
      store: {
        async writeFrames(batch, options) {
          if (options?.ahead) ahead.push(...starts(batch));
          else await storeFault(batch);
          await store.writeFrames(batch, options);
          if (!options?.ahead) batches.push(batch.length);
        },
      },
      queue: {
        async publish(frame) {
          await queueFault(frame);
          await queue.publish(frame);
        },
      },
      spool: openSpool(),
      clock: systemClock,
      log: logged.log,
      limits: LIMITS,
      backoff: { firstMs: 2, maxMs: 10 },
      ...options,
    });
    return shipper;
  };
  const push = (list: readonly Frame[]) => {
    for (const frame of list) shipper.push(frame);
  };
  const stored = async () => {
    const found: Frame[] = [];
    for await (const frame of store.readFrames('web-1', ALL)) found.push(frame);
    return starts(found);
  };
  const down = () => Promise.reject(failure(true));
  const well = async () => {};

  it('stores every frame, then queues it, in order', async () => {
    create();
    const queuedUnstored: number[] = [];
    queueFault = async frame => {
      if (!(await store.lastFrame('web-1', frame.start + 1))) queuedUnstored.push(frame.start);
    };
    const sent = frames(20);
    for (const frame of sent) {
      shipper.push(frame);
      await Promise.resolve();
    }
    expect(await shipper.drain(60_000)).toBe(true);
    await until('all frames at the worker', () => taken.length === 20);
    expect(taken).toEqual(sent);
    expect(await stored()).toEqual(starts(sent));
    expect(queuedUnstored).toEqual([]);
    expect(shipper.status()).toEqual({
      pending: 0,
      pendingBytes: 0,
      oldest: null,
      spool: { ...spool.status(), unwritten: 0, unwrittenBytes: 0, fault: null, damaged: 0, recovered: 0 },
      dropped: 0,
      refused: 0,
      skipped: 0,
      stored: 20,
      queued: 20,
      storeDown: null,
      queueDown: null,
      stateDown: null,
      lastStored: sent.at(-1)?.start,
    });
  });

  it('waits while the store is away, queues nothing, and catches up in few requests', async () => {
    const seen: ShipperStatus[] = [];
    create({ onStatus: status => seen.push(status) });
    storeFault = down;
    push(frames(300));
    await until('an outage', () => shipper.status().storeDown !== null);
    expect(shipper.status()).toMatchObject({ pending: 300, stored: 0, queued: 0, queueDown: null });
    expect(shipper.status().storeDown).toContain('a fault');
    storeFault = well;
    expect(await shipper.drain(60_000)).toBe(true);
    expect(batches.length).toBeLessThanOrEqual(3);
    expect(await stored()).toEqual(starts(frames(300)));
    await until('all frames at the worker', () => taken.length === 300);
    expect(starts(taken)).toEqual(starts(frames(300)));
    expect(seen.map(status => status.storeDown !== null)).toEqual([true, false]);
    expect(logged.lines.filter(line => line.message.includes('store'))).toHaveLength(2);
  });

  it('goes on storing while the queue is away, and queues all of it afterwards, in order', async () => {
    create();
    queueFault = down;
    push(frames(10));
    await until('frames in the store', () => shipper.status().stored === 10);
    push(frames(10, 10));
    await until('more frames in the store', () => shipper.status().stored === 20);
    expect(shipper.status()).toMatchObject({ pending: 20, queued: 0, storeDown: null });
    expect(shipper.status().queueDown).toContain('a fault');
    queueFault = well;
    expect(await shipper.drain(60_000)).toBe(true);
    await until('all frames at the worker', () => taken.length === 20);
    expect(starts(taken)).toEqual(starts(frames(20)));
  });

  it('isolates what the store refuses for good, wherever it is; all else is stored and queued in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(99), { maxLength: 6 }),
        fc.array(fc.boolean()),
        async (bad, outages) => {
          const host = `host-${runs++}`;
          const all = Array.from({ length: 100 }, (_, n) => frameOf(host, n));
          const badStarts = new Set(bad.map(n => all[n]?.start));
          create();
          taken.length = 0;
          let attempts = 0;
          storeFault = async batch => {
            if (outages[attempts++]) throw failure(true);
            if (batch.some(frame => badStarts.has(frame.start))) throw failure(false);
          };
          push(all);
          expect(await shipper.drain(60_000)).toBe(true);
          await until('the worker', () => taken.length === 100 - bad.length);
          await shipper.stop();
          expect(taken).toEqual(withDropped(all, frame => badStarts.has(frame.start)));
          expect(shipper.status()).toMatchObject({
            refused: bad.length,
            stored: 100 - bad.length,
            storeDown: null,
          });
          expect(attempts).toBeLessThanOrEqual(outages.length + 1 + 16 * bad.length);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('gives up the oldest when the bound is reached: none that is stored is lost, the newest stays', async () => {
    const size = encodeFrame(frameOf('web-1', 0)).length;
    create({ limits: { ...LIMITS, bytes: 10 * size + 20 } });
    storeFault = down;
    push(frames(25));
    await until('an outage', () => shipper.status().storeDown !== null);
    await until('the bound', () => shipper.status().dropped > 0);
    push(frames(25, 25));
    const { dropped, pending, pendingBytes } = shipper.status();
    expect(pendingBytes).toBeLessThanOrEqual(10 * size + 20);
    expect(dropped + pending).toBe(50);
    storeFault = well;
    expect(await shipper.drain(60_000)).toBe(true);
    expect((await stored()).slice(-9)).toEqual(starts(frames(50)).slice(-9));
    expect(shipper.status().stored).toBe(50 - shipper.status().dropped);
    await until('all frames at the worker', () => taken.length === 50 - shipper.status().dropped);
    const kept = new Set(starts(taken));
    expect(taken).toEqual(withDropped(frames(50), frame => !kept.has(frame.start)));
    expect(logged.lines.filter(line => line.message.includes('given up'))).toHaveLength(2);
  });

  it('tells of what was given up by an earlier process, exactly', async () => {
    const size = encodeFrame(frameOf('web-1', 0)).length;
    const name = join(folder.path, 'restarted.spool');
    const reopened = () => {
      spool = Spool.open({ folder: name, fsync: 'never', clock: systemClock, log: logged.log });
      return { spool, limits: { ...LIMITS, bytes: 10 * size + 20 } };
    };
    create(reopened());
    push(frames(3));
    expect(await shipper.drain(60_000)).toBe(true);
    storeFault = down;
    for (let from = 3; from < 43; from += 20) {
      push(frames(20, from));
      await until('an outage', () => shipper.status().storeDown !== null);
      await shipper.stop();
      spool.close();
      create(reopened());
    }
    storeFault = well;
    expect(await shipper.drain(60_000)).toBe(true);
    await until('the newest at the worker', () => taken.at(-1)?.start === frameOf('web-1', 42).start);
    const kept = new Set(starts(taken));
    expect(kept.size).toBeLessThan(20);
    expect(taken).toEqual(withDropped(frames(43), frame => !kept.has(frame.start)));
    expect(taken.reduce((sum, { dropped = 0 }) => sum + dropped, 0)).toBe(43 - kept.size);
  });

  it('stores the newest ahead while a backlog drains; the worker gets all in order, with any faults', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 600, max: 1500 }),
        fc.array(fc.constantFrom('well', 'down', 'late'), { maxLength: 8 }),
        async (count, faults) => {
          const host = `host-${runs++}`;
          const all = Array.from({ length: count }, (_, n) => frameOf(host, n));
          taken.length = ahead.length = 0;
          let attempts = 0;
          create();
          storeFault = async batch => {
            const fault = faults[attempts];
            push(attempts++ === 0 ? all.slice(1) : live(all, attempts));
            if (fault === 'late') await store.writeFrames(batch);
            if (fault !== undefined && fault !== 'well') throw failure(true);
          };
          push(all.slice(0, 1));
          await until('all frames at the worker', () => taken.length === all.length);
          await shipper.stop();
          expect(taken).toEqual(all);
          expect(ahead.length).toBeGreaterThan(0);
          expect(ahead).toEqual([...new Set(ahead)].sort((a, b) => a - b));
          const found: number[] = [];
          for await (const frame of store.readFrames(host, ALL)) found.push(frame.start);
          expect(found).toEqual(starts(all));
        },
      ),
      { numRuns: 6 },
    );
  });

  it.each([false, true])(
    'what is stored ahead and then given up is not lost: sums, frames and counts agree (restarted: %s)',
    async restarted => {
      const all = frames(1300);
      const bytes = 610 * encodeFrame(frameOf('web-1', 0)).length;
      const name = join(folder.path, `${runs++}.spool`);
      const start = () => {
        spool = Spool.open({ folder: name, fsync: 'never', clock: systemClock, log: logged.log });
        return create({ spool, limits: { ...LIMITS, bytes } });
      };
      start();
      let attempts = 0;
      storeFault = async () => {
        if (attempts++ > 0) throw failure(true);
        push(all.slice(1, 600));
      };
      push(all.slice(0, 1));
      await until('an outage', () => shipper.status().storeDown !== null);
      expect(ahead).toEqual(starts(all.slice(592, 600)));
      push(all.slice(600));
      const { dropped, skipped } = shipper.status();
      expect(dropped).toBeGreaterThan(600);
      expect(skipped).toBe(8);
      if (restarted) {
        await shipper.stop();
        spool.close();
        start();
      }
      storeFault = well;
      expect(await shipper.drain(60_000)).toBe(true);
      const found: Frame[] = [];
      for await (const frame of store.readFrames('web-1', ALL)) found.push(frame);
      const sums: number[] = [];
      for await (const { start: at } of store.readSeries('web-1', ALL, 5000)) sums.push(at);
      expect(starts(found)).toEqual(sums);
      expect(found).toHaveLength(all.length - dropped);
      expect(found.reduce((sum, frame) => sum + (frame.dropped ?? 0), 0)).toBe(dropped);
    },
  );

  it('gives up what has waited for too long, however the wall clock is set meanwhile', async () => {
    let [wall, waited] = [1_700_000_000_000, 0];
    const clock = { ...systemClock, now: () => wall, monotonic: () => waited };
    create({ clock, limits: { ...LIMITS, ageMs: 60_000 } });
    storeFault = down;
    push(frames(5));
    wall += 10 * 86_400_000;
    push(frames(5, 5));
    expect(shipper.status()).toMatchObject({ dropped: 0, pending: 10 });
    await until('an outage', () => shipper.status().storeDown !== null);
    waited += 60_001;
    push(frames(1, 10));
    await until('the end of a request', () => {
      push(frames(1, 11));
      return shipper.status().dropped >= 10;
    });
  });

  it('lets go of what only the queue lacks before anything is lost', async () => {
    const size = encodeFrame(frameOf('web-1', 1)).length;
    create({ limits: { ...LIMITS, bytes: 10 * size } });
    queueFault = down;
    for (const frame of frames(40)) {
      shipper.push(frame);
      await until('the store', () => shipper.status().lastStored === frame.start);
    }
    expect(shipper.status()).toMatchObject({ dropped: 0, stored: 40 });
    expect(shipper.status().skipped).toBeGreaterThanOrEqual(30);
    queueFault = well;
    expect(await shipper.drain(60_000)).toBe(true);
    expect(await stored()).toEqual(starts(frames(40)));
    await until('the newest at the worker', () => taken.at(-1)?.start === frameOf('web-1', 39).start);
    expect(starts(taken)).toEqual([...starts(taken)].sort((a, b) => a - b));
    expect(shipper.status().queued + shipper.status().skipped).toBe(40);
  });

  it('keeps a frame that alone is beyond the bound', async () => {
    create({ limits: { ...LIMITS, bytes: 10 } });
    const big = frameOf('web-1', 0, busyParts(50));
    shipper.push(big);
    expect(await shipper.drain(60_000)).toBe(true);
    expect(await stored()).toEqual([big.start]);
  });

  it('counts what the queue refuses for good; it is stored all the same', async () => {
    create();
    queueFault = async frame => {
      if (frame.start === frameOf('web-1', 1).start) throw failure(false);
    };
    push(frames(3));
    expect(await shipper.drain(60_000)).toBe(true);
    expect(shipper.status()).toMatchObject({ stored: 3, queued: 2, skipped: 1, queueDown: null });
    expect(await stored()).toHaveLength(3);
  });

  it('says when a drain did not finish in time, and stops without waiting for what cannot be shipped', async () => {
    create({ backoff: { firstMs: 60_000, maxMs: 60_000 } });
    storeFault = down;
    push(frames(2));
    await until('an outage', () => shipper.status().storeDown !== null);
    expect(await shipper.drain(30)).toBe(false);
    storeFault = well;
    expect(await shipper.drain(60_000)).toBe(true);
    storeFault = down;
    push(frames(1, 2));
    await until('an outage', () => shipper.status().storeDown !== null);
    await shipper.stop();
    expect(shipper.status()).toMatchObject({ pending: 1, stored: 2 });
  });

  it('stops after the request that is under way', async () => {
    create();
    let release: (() => void) | undefined;
    storeFault = () =>
      new Promise(resolve => {
        release = resolve;
      });
    push(frames(1));
    await until('a request', () => release !== undefined);
    let stopped = false;
    const stop = shipper.stop().then(() => {
      stopped = true;
    });
    await Promise.resolve();
    expect(stopped).toBe(false);
    release?.();
    await stop;
    expect(await stored()).toHaveLength(1);
  });
});

describeWith(['redis', 'influx'], 'shipper to InfluxDB and Redis', () => {
  it('loses and reorders nothing when both are killed while frames come', async () => {
    const [influx, redis] = await Promise.all([startInflux(), startRedis()]);
    const { log } = recordingLog();
    const config = {
      url: influx.url,
      version: 'auto' as const,
      database: 'tidegauge',
      org: '',
      token: '',
      username: '',
      password: '',
      timeout: 5000,
    };
    const store = createStore(
      { kind: 'influx', retention: FOREVER, sqlite: { file: '' }, influx: config },
      { data: '', log },
    );
    const queue = createBullmqQueue({ lanes: 1, url: redis.url, prefix: 'ship', clock: systemClock, log });
    await Promise.all([store.open(), queue.open()]);
    const folder = temporaryFolder();
    const spool = Spool.open({ folder: folder.path, fsync: 'interval', clock: systemClock, log });
    const shipper = createShipper({ store, queue, spool, clock: systemClock, log, limits: LIMITS });
    const taken = new Set<number>();
    queue.consume(0, async frame => {
      taken.add(frame.start);
    });
    const sent = Array.from({ length: 60 }, (_, n) => frameOf('web-1', n, busyParts(3)));
    const push = (from: number, to: number) => {
      for (const frame of sent.slice(from, to)) shipper.push(frame);
    };
    push(0, 20);
    await until('the first frames', () => taken.size === 20);
    await Promise.all([influx.child.stop('SIGKILL'), redis.child.stop('SIGKILL')]);
    push(20, 40);
    await until('the outage', () => shipper.status().storeDown !== null);
    await influx.restart();
    await until('the other outage', () => shipper.status().queueDown !== null);
    push(40, 60);
    await redis.restart();
    expect(await shipper.drain(60_000)).toBe(true);
    await until('all frames at the worker', () => taken.size === 60);
    const found: Frame[] = [];
    for await (const frame of store.readFrames('web-1', ALL)) found.push(frame);
    expect(found).toEqual(sent);
    // A frame that came twice would be in its first place in a Set: what counts is that none overtook another.
    expect([...taken]).toEqual(starts(sent));
    await shipper.stop();
    await queue.close();
    await store.close();
    await Promise.all([influx.stop(), redis.stop()]);
  });
});
