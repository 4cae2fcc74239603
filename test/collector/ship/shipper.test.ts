import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ShipperStatus } from '../../../collector/ship/contract.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { frameOf } from '../../data/frames.ts';
import { until } from '../../parts/process.ts';
import { down, eachShipping, failure, frames, type Shipping, starts, well, withDropped } from './shipping.ts';

/** A new frame behind the others for each of the first requests. */
function live(all: Frame[], attempts: number): Frame[] {
  if (attempts > 10) return [];
  const frame = frameOf(all[0]?.host ?? '', all.length);
  all.push(frame);
  return [frame];
}

describe('shipper', () => {
  const current = eachShipping();
  let rig: Shipping;
  let runs = 0;
  beforeEach(() => {
    rig = current();
  });

  it('stores every frame, then queues it, in order', async () => {
    rig.start('spool');
    const sent = frames(20);
    for (const frame of sent) {
      rig.shipper.push(frame);
      await Promise.resolve();
    }
    expect(await rig.shipper.drain(60_000)).toBe(true);
    await until('all frames at the worker', () => rig.taken.length === 20);
    expect(rig.taken).toEqual(sent);
    expect(await rig.stored()).toEqual(starts(sent));
    expect(rig.queuedUnstored).toEqual([]);
    expect(rig.shipper.status()).toEqual({
      pending: 0,
      pendingBytes: 0,
      oldest: null,
      spool: {
        ...rig.spool.status(),
        unwritten: 0,
        unwrittenBytes: 0,
        fault: null,
        damaged: 0,
        recovered: 0,
      },
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

  it('queues what is on disk while the store is away, and stores it in few requests when it is back', async () => {
    const seen: ShipperStatus[] = [];
    rig.start('spool', { onStatus: status => seen.push(status) });
    rig.storeFault = down;
    rig.push(frames(300));
    await until('an outage', () => rig.shipper.status().storeDown !== null);
    await until('all frames at the worker', () => rig.taken.length === 300);
    expect(rig.shipper.status()).toMatchObject({ pending: 300, stored: 0, queued: 300, queueDown: null });
    expect(rig.shipper.status().storeDown).toContain('a fault');
    rig.storeFault = well;
    expect(await rig.shipper.drain(60_000)).toBe(true);
    expect(rig.batches.length).toBeLessThanOrEqual(3);
    expect(await rig.stored()).toEqual(starts(frames(300)));
    expect(rig.shipper.status()).toMatchObject({ pending: 0, pendingBytes: 0, stored: 300, queued: 300 });
    // None of them a second time.
    expect(starts(rig.taken)).toEqual(starts(frames(300)));
    expect(seen.map(status => status.storeDown !== null)).toEqual([true, false]);
    expect(rig.logged.lines.filter(line => line.message.includes('store'))).toHaveLength(2);
  });

  it('queues frames in order when a request to the store hangs, those that come later too', async () => {
    rig.start('spool');
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    rig.storeFault = () => answered;
    rig.push(frames(3));
    await until('three frames at the worker', () => rig.taken.length === 3);
    rig.push(frames(3, 3));
    await until('six frames at the worker', () => rig.taken.length === 6);
    expect(rig.shipper.status()).toMatchObject({ pending: 6, stored: 0, queued: 6, storeDown: null });
    rig.storeFault = well;
    answer();
    expect(await rig.shipper.drain(60_000)).toBe(true);
    rig.push(frames(1, 6));
    expect(await rig.shipper.drain(60_000)).toBe(true);
    await until('the last frame at the worker', () => rig.taken.length === 7);
    expect(rig.taken).toEqual(frames(7));
    expect(await rig.stored()).toEqual(starts(frames(7)));
  });

  it('queues nothing unstored that the spool could only keep in memory', async () => {
    rig.start('spool');
    rig.storeFault = down;
    rig.push(frames(2));
    await until('two frames at the worker', () => rig.taken.length === 2);
    rig.spool.isWritten = () => false;
    rig.push(frames(2, 2));
    rig.storeFault = well;
    expect(await rig.shipper.drain(60_000)).toBe(true);
    await until('four frames at the worker', () => rig.taken.length === 4);
    expect(rig.queuedUnstored).toEqual(starts(frames(2)));
  });

  it('stores and queues each frame once, in order, whatever the store does meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('well', 'down', 'late'), { minLength: 5, maxLength: 40 }),
        async faults => {
          const host = `host-${++runs}`;
          rig.taken.length = 0;
          let attempts = 0;
          rig.start(host);
          rig.storeFault = async batch => {
            const fault = faults[attempts++];
            if (fault === 'late') await rig.store.writeFrames(batch);
            if (fault === 'down' || fault === 'late') throw failure(true);
          };
          const all = Array.from({ length: 30 }, (_, n) => frameOf(host, n));
          for (const frame of all) {
            rig.shipper.push(frame);
            await new Promise(resolve => setImmediate(resolve));
          }
          expect(await rig.shipper.drain(60_000)).toBe(true);
          await until('all frames at the worker', () => rig.taken.length >= all.length);
          await rig.shipper.stop();
          expect(rig.taken).toEqual(all);
          expect(await rig.stored(host)).toEqual(starts(all));
          expect(rig.shipper.status()).toMatchObject({ pending: 0, pendingBytes: 0, stored: 30, queued: 30 });
        },
      ),
      { numRuns: 15 },
    );
  });

  it('goes on storing while the queue is away, and queues all of it afterwards, in order', async () => {
    rig.start('spool');
    rig.queueFault = down;
    rig.push(frames(10));
    await until('frames in the store', () => rig.shipper.status().stored === 10);
    rig.push(frames(10, 10));
    await until('more frames in the store', () => rig.shipper.status().stored === 20);
    expect(rig.shipper.status()).toMatchObject({ pending: 20, queued: 0, storeDown: null });
    expect(rig.shipper.status().queueDown).toContain('a fault');
    rig.queueFault = well;
    expect(await rig.shipper.drain(60_000)).toBe(true);
    await until('all frames at the worker', () => rig.taken.length === 20);
    expect(starts(rig.taken)).toEqual(starts(frames(20)));
  });

  it('isolates what the store refuses for good, wherever it is; all else is stored, and queued in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(99), { maxLength: 6 }),
        fc.array(fc.boolean()),
        async (bad, outages) => {
          const host = `host-${++runs}`;
          const all = Array.from({ length: 100 }, (_, n) => frameOf(host, n));
          const badStarts = new Set(bad.map(n => all[n]?.start));
          rig.start(host);
          rig.taken.length = 0;
          let attempts = 0;
          rig.storeFault = async batch => {
            if (outages[attempts++]) throw failure(true);
            if (batch.some(frame => badStarts.has(frame.start))) throw failure(false);
          };
          rig.push(all);
          expect(await rig.shipper.drain(60_000)).toBe(true);
          const good = withDropped(all, frame => badStarts.has(frame.start));
          const isGood = ({ start }: Frame) => !badStarts.has(start);
          await until('the worker', () => rig.taken.filter(isGood).length === good.length);
          await rig.shipper.stop();
          expect((await rig.storedFrames(host)).filter(isGood)).toEqual(good);
          // What was queued while the store was away may be refused later.
          expect(starts(rig.taken.filter(isGood))).toEqual(starts(good));
          if (!outages.includes(true)) expect(rig.taken).toEqual(good);
          expect(rig.shipper.status()).toMatchObject({
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

  it('stores the newest ahead while a backlog drains; the worker gets all in order, with any faults', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 600, max: 1500 }),
        fc.array(fc.constantFrom('well', 'down', 'late'), { maxLength: 8 }),
        async (count, faults) => {
          const host = `host-${++runs}`;
          const all = Array.from({ length: count }, (_, n) => frameOf(host, n));
          rig.taken.length = rig.ahead.length = 0;
          let attempts = 0;
          rig.start(host);
          rig.storeFault = async batch => {
            const fault = faults[attempts];
            rig.push(attempts++ === 0 ? all.slice(1) : live(all, attempts));
            if (fault === 'late') await rig.store.writeFrames(batch);
            if (fault !== undefined && fault !== 'well') throw failure(true);
          };
          rig.push(all.slice(0, 1));
          await until('all frames at the worker', () => rig.taken.length === all.length);
          expect(await rig.shipper.drain(60_000)).toBe(true);
          await rig.shipper.stop();
          expect(rig.taken).toEqual(all);
          expect(rig.ahead.length).toBeGreaterThan(0);
          expect(rig.ahead).toEqual([...new Set(rig.ahead)].sort((a, b) => a - b));
          expect(await rig.stored(host)).toEqual(starts(all));
        },
      ),
      { numRuns: 6 },
    );
  });

  it('counts what the queue refuses for good; it is stored all the same', async () => {
    rig.start('spool');
    rig.queueFault = async frame => {
      if (frame.start === frameOf('web-1', 1).start) throw failure(false);
    };
    rig.push(frames(3));
    expect(await rig.shipper.drain(60_000)).toBe(true);
    expect(rig.shipper.status()).toMatchObject({ stored: 3, queued: 2, skipped: 1, queueDown: null });
    expect(await rig.stored()).toHaveLength(3);
  });

  it('says when a drain did not finish in time, and stops without waiting for what cannot be shipped', async () => {
    rig.start('spool', { backoff: { firstMs: 60_000, maxMs: 60_000 } });
    rig.storeFault = down;
    rig.push(frames(2));
    await until('an outage', () => rig.shipper.status().storeDown !== null);
    expect(await rig.shipper.drain(30)).toBe(false);
    rig.storeFault = well;
    expect(await rig.shipper.drain(60_000)).toBe(true);
    rig.storeFault = down;
    rig.push(frames(1, 2));
    await until('an outage', () => rig.shipper.status().storeDown !== null);
    await rig.shipper.stop();
    expect(rig.shipper.status()).toMatchObject({ pending: 1, stored: 2 });
  });

  it('stops after the request that is under way', async () => {
    rig.start('spool');
    let release: (() => void) | undefined;
    rig.storeFault = () =>
      new Promise(resolve => {
        release = resolve;
      });
    rig.push(frames(1));
    await until('a request', () => release !== undefined);
    let stopped = false;
    const stop = rig.shipper.stop().then(() => {
      stopped = true;
    });
    await Promise.resolve();
    expect(stopped).toBe(false);
    release?.();
    await stop;
    expect(await rig.stored()).toHaveLength(1);
  });
});
