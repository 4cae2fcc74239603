import { beforeEach, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Checkpoints, Lease, StateAdmin } from '../../state/contract.ts';
import { describeStates, HOSTILE, HOUR, T0 } from './states.ts';

describeStates('checkpoints', users => {
  let state: Checkpoints & StateAdmin;
  let other: Checkpoints & StateAdmin;
  let lease: Lease;
  beforeEach(() => {
    ({ state, other, lease } = users());
  });

  const checkpoint = (last: number, host = 'web-1', fingerprint = 'f', data = `state at ${last}`) => ({
    host,
    last,
    fingerprint,
    data,
  });

  it('come back, the newest of a host and fingerprint, in whatever order they were saved', async () => {
    for (const last of [T0 + 10_000, T0, T0 + 5000]) await state.saveCheckpoint(lease, checkpoint(last));
    await state.saveCheckpoint(lease, checkpoint(T0 + 90_000, 'web-1', 'other settings'));
    await state.saveCheckpoint(lease, checkpoint(T0 + 90_000, 'web-2'));
    expect(await other.loadCheckpoint('web-1', 'f')).toEqual(checkpoint(T0 + 10_000));
    expect(await other.loadCheckpoint('web-1', 'f', T0 + 10_000)).toEqual(checkpoint(T0 + 5000));
    expect(await other.loadCheckpoint('web-1', 'f', T0 + 10_001)).toEqual(checkpoint(T0 + 10_000));
    expect(await other.loadCheckpoint('web-1', 'f', T0)).toBeNull();
    expect(await other.loadCheckpoint('web-3', 'f')).toBeNull();
    expect(await other.foldedUpTo('web-1')).toBe(T0 + 90_000);
    expect(await other.foldedUpTo('web-3')).toBeNull();
  });

  it('are replaced by another of the same moment', async () => {
    await state.saveCheckpoint(lease, checkpoint(T0, 'web-1', 'f', 'first'));
    await state.saveCheckpoint(lease, checkpoint(T0, 'web-1', 'f', 'second'));
    expect((await state.loadCheckpoint('web-1', 'f'))?.data).toBe('second');
  });

  it('replace older ones of the same hour, of the same host and fingerprint', async () => {
    for (const last of [T0 - 1, T0, T0 + HOUR / 2, T0 + HOUR - 1, T0 + HOUR]) {
      await state.saveCheckpoint(lease, checkpoint(last));
      await state.saveCheckpoint(lease, checkpoint(last - 1000, 'web-2'));
    }
    const lasts: number[] = [];
    for (let at: number | undefined; ; at = lasts.at(-1)) {
      const found = await other.loadCheckpoint('web-1', 'f', at);
      if (!found) break;
      lasts.push(found.last);
    }
    expect(lasts).toEqual([T0 + HOUR, T0 + HOUR - 1, T0 - 1]);
    expect(await other.foldedUpTo('web-1')).toBe(T0 + HOUR);
  });

  it('are told apart for hosts and fingerprints of any text, and keep any data', async () => {
    const text = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 20 }));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(text, text), { selector: String, maxLength: 4 }),
        text,
        async (ids, data) => {
          for (const [i, [host, fingerprint]] of ids.entries()) {
            await state.saveCheckpoint(lease, { host, fingerprint, last: T0 + i, data: data + i });
          }
          for (const [i, [host, fingerprint]] of ids.entries()) {
            const found = await other.loadCheckpoint(host, fingerprint, T0 + i + 1);
            expect(found).toEqual({ host, fingerprint, last: T0 + i, data: data + i });
          }
          await state.prune(T0 + 1000 * HOUR, T0 + HOUR);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('are thinned out: one an hour for two days, one a day before; what is too old goes altogether', async () => {
    const now = T0 + 40 * 24 * HOUR;
    const saved = Array.from({ length: 40 * 24 * 4 }, (_, i) => T0 + i * (HOUR / 4)).filter(
      last => last > now - 50 * HOUR || last % (6 * HOUR) === 0,
    );
    for (const last of saved) await state.saveCheckpoint(lease, checkpoint(last));
    const before = now - 30 * 24 * HOUR;
    await state.prune(now, before);
    const kept: number[] = [];
    for (let at: number | undefined; ; ) {
      const found = await other.loadCheckpoint('web-1', 'f', at);
      if (!found) break;
      kept.push(found.last);
      at = found.last;
    }
    expect(kept[0]).toBe(saved.at(-1));
    expect(kept.at(-1)).toBeGreaterThanOrEqual(before);
    expect(kept.filter(last => now - last < 48 * HOUR)).toHaveLength(48);
    const days = kept.filter(last => now - last >= 48 * HOUR);
    expect(days.length).toBeGreaterThanOrEqual(28);
    expect(new Set(days.map(last => Math.floor(last / 24 / HOUR))).size).toBe(days.length);
    expect(await other.foldedUpTo('web-1')).toBe(saved.at(-1));
  });

  it('of hosts and settings that are gone are forgotten in time, however many there were', async () => {
    const now = T0 + 40 * 24 * HOUR;
    const before = now - 30 * 24 * HOUR;
    for (const host of HOSTILE) await state.saveCheckpoint(lease, checkpoint(before - 1, host));
    await state.saveCheckpoint(lease, checkpoint(before - 1, 'web-1', 'old settings'));
    await state.saveCheckpoint(lease, checkpoint(before, 'web-1'));
    // Says that nothing was handled, as of a host that is new.
    await state.saveCheckpoint(lease, checkpoint(0, 'new'));
    await state.prune(now, before);
    for (const host of HOSTILE) {
      expect(await other.loadCheckpoint(host, 'f')).toBeNull();
      expect(await other.foldedUpTo(host)).toBeNull();
    }
    expect(await other.loadCheckpoint('web-1', 'old settings')).toBeNull();
    expect(await other.loadCheckpoint('web-1', 'f')).toEqual(checkpoint(before));
    expect(await other.foldedUpTo('web-1')).toBe(before);
    expect(await other.foldedUpTo('new')).toBe(0);
    await state.saveCheckpoint(lease, checkpoint(now, HOSTILE[0]));
    expect(await other.foldedUpTo(HOSTILE[0] ?? '')).toBe(now);
  });
});
