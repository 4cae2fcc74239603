import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inContext, newContext } from '../../../detector/kpi/context.ts';
import { forecast, newForecast, predictability } from '../../../detector/kpi/forecast.ts';
import { fromLevel, newLevel } from '../../../detector/kpi/level.ts';
import { newKnown, novelty } from '../../../detector/kpi/novelty.ts';
import { fromProfile, newProfile } from '../../../detector/kpi/profile.ts';
import { newRearm, rearmed } from '../../../detector/kpi/rearm.ts';
import { Random } from '../../data/random.ts';

const random = new Random(7);
const noise = () => random.next() + random.next() + random.next() - 1.5;

describe('the forecast', () => {
  /** x = 10 + .9 (before - 10) + noise, then `last`. */
  function errorAfter(last: (before: number) => number) {
    const state = newForecast();
    let x = 10;
    let rows = 0;
    for (; rows < 2000; rows++) {
      x = 10 + 0.9 * (x - 10) + noise();
      forecast(state, x, rows + 1, 0, false);
    }
    return { before: x, error: forecast(state, last(x), rows + 1, 0, false) };
  }

  it('learns how a value follows from the one before', () => {
    const { before, error } = errorAfter(() => 12);
    expect(error?.expected).toBeCloseTo(10 + 0.9 * (before - 10), 0);
  });

  it('measures an error in standard deviations of its errors', () => {
    const { error } = errorAfter(before => 10 + 0.9 * (before - 10) + 5);
    // The sum of three uniform numbers has a standard deviation of a half.
    expect(error?.z).toBeGreaterThan(8);
    expect(error?.z).toBeLessThan(12);
  });

  it('knows how much of a series can be forecast', () => {
    const [smooth, rough] = [newForecast(), newForecast()];
    for (let i = 0; i < 3000; i++) {
      forecast(smooth, 100 * Math.sin(i / 50) + noise(), i + 1, 0, false);
      forecast(rough, noise(), i + 1, 0, false);
    }
    expect(predictability(smooth)).toBeGreaterThan(0.99);
    expect(predictability(rough)).toBeLessThan(0.1);
  });

  it('says nothing after a gap', () => {
    const state = newForecast();
    forecast(state, 1, 1, 0, false);
    forecast(state, 2, 2, 0, false);
    expect(forecast(state, 3, 3, 0, true)).toBeNull();
  });

  it('expects the jump that a half-hour brings every day', () => {
    const state = newForecast();
    const errors: (number | null | undefined)[] = [];
    for (let i = 0; i < 48 * 30 * 5; i++) {
      const slot = Math.floor(i / 30) % 48;
      const jump = slot === 12 && i % 30 < 15 ? 50 : 0;
      const error = forecast(state, 100 + jump + noise(), i + 1, slot, false);
      if (slot === 12 && i % 30 === 0) errors.push(error?.z);
    }
    expect(errors[0]).toBeGreaterThan(20);
    expect(errors.at(-1)).toBe(0);
  });
});

describe('novelty', () => {
  const OF = { capacity: 8, merge: 0.02 };

  it('is the distance to the nearest value ever seen, as a part of the range', () => {
    const known = newKnown();
    const found = [0, 100, 50, 52, 120].map((x, i) => novelty(known, x, i, 0, OF));
    expect(found).toEqual([0, 1, 0.5, 0.02, 0.2]);
    expect(known.values).toEqual([0, 50, 100, 120]);
  });

  it('forgets what has not been seen for long', () => {
    const known = newKnown();
    for (const x of [0, 10, 50]) novelty(known, x, 0, 0, OF);
    for (let i = 0; i < 300; i++) novelty(known, i % 2 ? 0 : 10, 1000, 500, OF);
    expect(known.values).toEqual([0, 10]);
  });

  it('keeps a bounded, sorted list, with the least and the greatest of all', () => {
    const values = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(values, all => {
        const known = newKnown();
        for (const x of all) expect(Number.isFinite(novelty(known, x, 0, 0, OF))).toBe(true);
        expect(known.values.length).toBeLessThanOrEqual(OF.capacity);
        expect(known.seen).toHaveLength(known.values.length);
        expect(known.values).toEqual([...known.values].sort((a, b) => a - b));
      }),
    );
  });
});

describe('level and time of day', () => {
  it('measure a value from what is usual, and an outlier moves it little', () => {
    const level = newLevel();
    for (let i = 1; i <= 1000; i++) fromLevel(level, 10 + noise(), i);
    expect(fromLevel(level, 15, 1001)).toBeGreaterThan(8);
    fromLevel(level, 1e6, 1002);
    expect(level.mean).toBeLessThan(11);
  });

  it('know that noon is unlike midnight', () => {
    const profile = newProfile();
    const at = (slot: number) => (slot < 24 ? 10 : 100) + noise();
    for (let day = 0; day < 10; day++)
      for (let slot = 0; slot < 48; slot++) fromProfile(profile, at(slot), slot, 48);
    expect(fromProfile(profile, 100, 30, 48)).toBeLessThan(4);
    expect(fromProfile(profile, 100, 5, 48)).toBeGreaterThan(20);
  });
});

describe('context', () => {
  const usual = (block: number) => 100 + 50 * Math.sin((block / 48) * 2 * Math.PI);

  it('speaks when a half-hour ends, loudly after two hours that belong to another time of day', () => {
    const state = newContext();
    const z: (number | undefined)[] = [];
    for (let block = 0; block < 48 * 10; block++) {
      const shifted = block >= 48 * 9 + 12 && block < 48 * 9 + 16;
      for (let i = 0; i < 6; i++)
        z.push(inContext(state, usual(block + (shifted ? 24 : 0)) + noise(), block)?.z);
    }
    expect(z.filter((one, i) => one !== undefined && i % 6 !== 0)).toEqual([]);
    const loudest = z.indexOf(Math.max(...z.map(one => one ?? 0)));
    expect(Math.floor(loudest / 6)).toBeGreaterThanOrEqual(48 * 9 + 14);
    expect(z[loudest]).toBeGreaterThan(6);
    expect(Math.max(...z.slice(48 * 6 * 5, 48 * 6 * 9).map(one => one ?? 0))).toBeLessThan(6);
  });

  it('says nothing of a series without days', () => {
    const state = newContext();
    let greatest = 0;
    for (let block = 0; block < 48 * 20; block++) {
      greatest = Math.max(greatest, inContext(state, 100 * noise(), block)?.z ?? 0);
    }
    expect(greatest).toBe(0);
  });
});

describe('an alarm', () => {
  const scores = (...given: readonly number[]) => {
    const state = newRearm();
    return given.map((score, row) => rearmed(state, score, row, 3));
  };

  it('holds while it goes on, and comes again when it gets clearly worse', () => {
    expect(scores(0.5, 1, 1.2, 1.4, 1.6, 2)).toEqual([0.5, 1, 0.99, 0.99, 1.6, 0.99]);
  });

  it('comes again after enough rows below the limit', () => {
    expect(scores(1, 0, 0, 1)).toEqual([1, 0, 0, 1]);
    expect(scores(1, 0, 1, 0, 1)).toEqual([1, 0, 0.99, 0, 0.99]);
  });
});
