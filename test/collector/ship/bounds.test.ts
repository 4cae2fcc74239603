import { beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../core/clock.ts';
import { encodeFrame, type Frame } from '../../../core/traffic/frame.ts';
import { busyParts, frameOf } from '../../data/frames.ts';
import { until } from '../../parts/process.ts';
import {
  ALL,
  down,
  eachShipping,
  failure,
  frames,
  LIMITS,
  type Shipping,
  starts,
  well,
  withDropped,
} from './shipping.ts';

describe('shipper at its bounds', () => {
  const current = eachShipping();
  let rig: Shipping;
  beforeEach(() => {
    rig = current();
  });

  it('gives up the oldest when the bound is reached: none that is stored is lost, the newest stays', async () => {
    const size = encodeFrame(frameOf('web-1', 0)).length;
    rig.start('spool', { limits: { ...LIMITS, bytes: 10 * size + 20 } });
    rig.storeFault = down;
    rig.push(frames(25));
    await until('an outage', () => rig.shipper.status().storeDown !== null);
    await until('the bound', () => rig.shipper.status().dropped > 0);
    rig.push(frames(25, 25));
    const { dropped, pending, pendingBytes } = rig.shipper.status();
    expect(pendingBytes).toBeLessThanOrEqual(10 * size + 20);
    expect(dropped + pending).toBe(50);
    rig.storeFault = well;
    expect(await rig.shipper.drain(60_000)).toBe(true);
    expect((await rig.stored()).slice(-9)).toEqual(starts(frames(50)).slice(-9));
    expect(rig.shipper.status().stored).toBe(50 - rig.shipper.status().dropped);
    const kept = new Set(await rig.stored());
    expect(await rig.storedFrames()).toEqual(withDropped(frames(50), frame => !kept.has(frame.start)));
    // What was given up later had been judged.
    await until(
      'all frames at the worker',
      () => new Set([...starts(rig.taken), ...kept]).size === rig.taken.length,
    );
    expect(starts(rig.taken)).toEqual([...starts(rig.taken)].sort((a, b) => a - b));
    expect(rig.logged.lines.filter(line => line.message.includes('given up'))).toHaveLength(2);
  });

  it('tells of what was given up by an earlier process, exactly', async () => {
    const size = encodeFrame(frameOf('web-1', 0)).length;
    const limits = { ...LIMITS, bytes: 10 * size + 20 };
    rig.start('spool', { limits });
    rig.push(frames(3));
    expect(await rig.shipper.drain(60_000)).toBe(true);
    rig.storeFault = down;
    for (let from = 3; from < 43; from += 20) {
      rig.push(frames(20, from));
      await until('an outage', () => rig.shipper.status().storeDown !== null);
      await rig.shipper.stop();
      rig.start('spool', { limits });
    }
    rig.storeFault = well;
    expect(await rig.shipper.drain(60_000)).toBe(true);
    await until('the newest at the worker', () => rig.taken.at(-1)?.start === frameOf('web-1', 42).start);
    const stored = await rig.storedFrames();
    const kept = new Set(starts(stored));
    expect(kept.size).toBeLessThan(20);
    expect(stored).toEqual(withDropped(frames(43), frame => !kept.has(frame.start)));
    expect(stored.reduce((sum, { dropped = 0 }) => sum + dropped, 0)).toBe(43 - kept.size);
  });

  it.each([false, true])(
    'what is stored ahead and then given up is not lost: sums, frames and counts agree (restarted: %s)',
    async restarted => {
      const all = frames(1300);
      const bytes = 610 * encodeFrame(frameOf('web-1', 0)).length;
      const limits = { ...LIMITS, bytes };
      rig.start('spool', { limits });
      let attempts = 0;
      rig.storeFault = async () => {
        if (attempts++ > 0) throw failure(true);
        rig.push(all.slice(1, 600));
      };
      rig.push(all.slice(0, 1));
      await until('an outage', () => rig.shipper.status().storeDown !== null);
      expect(rig.ahead).toEqual(starts(all.slice(592, 600)));
      rig.push(all.slice(600));
      const { dropped, skipped } = rig.shipper.status();
      expect(dropped).toBeGreaterThan(600);
      expect(skipped).toBe(8);
      if (restarted) {
        await rig.shipper.stop();
        rig.start('spool', { limits });
      }
      rig.storeFault = well;
      expect(await rig.shipper.drain(60_000)).toBe(true);
      const found: Frame[] = [];
      for await (const frame of rig.store.readFrames('web-1', ALL)) found.push(frame);
      const sums: number[] = [];
      for await (const { start } of rig.store.readSeries('web-1', ALL, 5000)) sums.push(start);
      expect(starts(found)).toEqual(sums);
      expect(found).toHaveLength(all.length - dropped);
      expect(found.reduce((sum, frame) => sum + (frame.dropped ?? 0), 0)).toBe(dropped);
    },
  );

  it('gives up what has waited for too long, however the wall clock is set meanwhile', async () => {
    let [wall, waited] = [1_700_000_000_000, 0];
    const clock = { ...systemClock, now: () => wall, monotonic: () => waited };
    rig.start('spool', { clock, limits: { ...LIMITS, ageMs: 60_000 } });
    rig.storeFault = down;
    rig.push(frames(5));
    wall += 10 * 86_400_000;
    rig.push(frames(5, 5));
    expect(rig.shipper.status()).toMatchObject({ dropped: 0, pending: 10 });
    await until('an outage', () => rig.shipper.status().storeDown !== null);
    waited += 60_001;
    rig.push(frames(1, 10));
    await until('the end of a request', () => {
      rig.push(frames(1, 11));
      return rig.shipper.status().dropped >= 10;
    });
  });

  it.each(['store', 'queue'] as const)(
    'gives up nothing younger for a frame that is too old, but just being sent (to the %s)',
    async part => {
      let waited = 0;
      const clock = { ...systemClock, monotonic: () => waited };
      rig.start('spool', { clock, limits: { ...LIMITS, ageMs: 60_000 } });
      const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
      let asked = false;
      const slow = () => {
        asked = true;
        return answered;
      };
      if (part === 'store') rig.storeFault = slow;
      else rig.queueFault = slow;
      rig.push(frames(1));
      await until('a request', () => asked);
      if (part === 'queue') rig.storeFault = down;
      waited += 50_000;
      rig.push(frames(5, 1));
      waited += 20_000;
      rig.push(frames(1, 6));
      const status = rig.shipper.status();
      rig.storeFault = well;
      answer();
      expect(status).toMatchObject({ dropped: 0, skipped: 0, pending: 7 });
      expect(await rig.shipper.drain(60_000)).toBe(true);
      expect(await rig.stored()).toEqual(starts(frames(7)));
    },
  );

  it('lets go of what only the queue lacks before anything is lost', async () => {
    const size = encodeFrame(frameOf('web-1', 1)).length;
    rig.start('spool', { limits: { ...LIMITS, bytes: 10 * size } });
    rig.queueFault = down;
    for (const frame of frames(40)) {
      rig.shipper.push(frame);
      await until('the store', () => rig.shipper.status().lastStored === frame.start);
    }
    expect(rig.shipper.status()).toMatchObject({ dropped: 0, stored: 40 });
    expect(rig.shipper.status().skipped).toBeGreaterThanOrEqual(30);
    rig.queueFault = well;
    expect(await rig.shipper.drain(60_000)).toBe(true);
    expect(await rig.stored()).toEqual(starts(frames(40)));
    await until('the newest at the worker', () => rig.taken.at(-1)?.start === frameOf('web-1', 39).start);
    expect(starts(rig.taken)).toEqual([...starts(rig.taken)].sort((a, b) => a - b));
    expect(rig.shipper.status().queued + rig.shipper.status().skipped).toBe(40);
  });

  it('keeps a frame that alone is beyond the bound', async () => {
    rig.start('spool', { limits: { ...LIMITS, bytes: 10 } });
    const big = frameOf('web-1', 0, busyParts(50));
    rig.shipper.push(big);
    expect(await rig.shipper.drain(60_000)).toBe(true);
    expect(await rig.stored()).toEqual([big.start]);
  });
});
