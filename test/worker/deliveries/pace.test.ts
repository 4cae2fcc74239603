import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DeliveryResult } from '../../../notify/contract.ts';
import { Pace } from '../../../worker/deliveries/pace.ts';
import { LIMITS } from '../fixture.ts';

const middle = () => 0.5;
const away: DeliveryResult = { kind: 'retry', reason: 'away' };
const busy = (afterMs: number): DeliveryResult => ({ kind: 'retry', reason: 'busy', afterMs });

describe('the pace of a receiver', () => {
  it('lets messages follow each other while they are accepted or refused', () => {
    const pace = new Pace(LIMITS, middle);
    for (const kind of ['accepted', 'refused'] as const) {
      expect(pace.waitMs(0)).toBe(0);
      pace.began(0);
      pace.ended({ kind, reason: '' }, 1, { begun: 0, now: 0 });
    }
    expect(pace.waitMs(0)).toBe(0);
  });

  it('pauses for all messages when one is asked to wait, not shorter, and at most a twentieth longer', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3_600_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (ms, random) => {
          const pace = new Pace(LIMITS, () => random);
          const own = pace.ended(busy(ms), 9, { begun: 0, now: 0 });
          expect(pace.waitMs(0)).toBe(own);
          expect(own).toBeGreaterThanOrEqual(ms);
          expect(own).toBeLessThanOrEqual(ms * 1.05);
        },
      ),
    );
  });

  it('doubles its pauses up to a minute while the receiver is away, each a quarter longer or shorter', () => {
    const waits = (random: () => number): number[] => {
      const pace = new Pace(LIMITS, random);
      let now = 0;
      return Array.from({ length: 9 }, () => {
        pace.ended(away, 1, { begun: now, now });
        const wait = pace.waitMs(now);
        now += wait;
        return wait;
      });
    };
    expect(waits(middle)).toEqual([0.5, 1, 2, 4, 8, 16, 32, 60, 60].map(s => s * 1000));
    expect(waits(() => 0)[0]).toBe(375);
    expect(waits(() => 0.999)[0]).toBeLessThan(625);
  });

  it('starts anew after an answer that was no failure', () => {
    const pace = new Pace(LIMITS, middle);
    for (const now of [0, 1000, 3000]) pace.ended(away, 1, { begun: now, now });
    pace.ended({ kind: 'accepted' }, 1, { begun: 7000, now: 7000 });
    pace.ended(away, 1, { begun: 8000, now: 8000 });
    expect(pace.waitMs(8000)).toBe(500);
  });

  it('lets a message that fails again and again wait longer than its receiver', () => {
    const pace = new Pace(LIMITS, middle);
    expect(pace.ended(away, 5, { begun: 0, now: 0 })).toBe(8000);
    expect(pace.waitMs(0)).toBe(500);
  });

  it('takes failures of attempts that were under way together for one', () => {
    const pace = new Pace({ ...LIMITS, concurrency: 4 }, middle);
    expect(pace.width).toBe(4);
    for (const now of [10, 20, 30, 40]) pace.ended(away, 1, { begun: 0, now });
    expect(pace.waitMs(40)).toBe(500);
    expect(pace.width).toBe(1);
  });

  it('goes on with a pause that was kept, but not for longer than any is granted', () => {
    const pace = new Pace(LIMITS, middle);
    pace.resume(-5000, 0);
    expect(pace.waitMs(0)).toBe(0);
    pace.resume(90_000, 0);
    expect([pace.waitMs(0), pace.width]).toEqual([90_000, LIMITS.concurrency]);
    // The clock was set back by a year since.
    pace.resume(365 * 86_400_000, 0);
    expect(pace.waitMs(0)).toBe(3_605_000);
  });

  it('says when a pause was asked for, as that is to be kept', () => {
    const pace = new Pace(LIMITS, middle);
    pace.ended(away, 1, { begun: 0, now: 0 });
    expect(pace.isUnkept).toBe(false);
    pace.ended(busy(1000), 1, { begun: 0, now: 0 });
    expect(pace.isUnkept).toBe(true);
  });

  it('keeps a configured rate from beginning to beginning', () => {
    const pace = new Pace({ ...LIMITS, spacingMs: 500 }, middle);
    pace.began(1000);
    expect([pace.waitMs(1000), pace.waitMs(1400), pace.waitMs(1500)]).toEqual([500, 100, 0]);
  });
});
