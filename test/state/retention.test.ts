import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { staleCheckpoints } from '../../state/retention.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = 20_000 * DAY + 5 * HOUR;

describe('staleCheckpoints', () => {
  const lasts = fc.uniqueArray(fc.integer({ min: NOW - 50 * DAY, max: NOW }), { maxLength: 200 });
  const kept = (all: readonly number[], before: number) => {
    const stale = new Set(staleCheckpoints(all, NOW, before));
    return all.filter(last => !stale.has(last)).sort((a, b) => a - b);
  };

  it('keeps the newest since `before`, one an hour for two days, one a day, and nothing else', () => {
    fc.assert(
      fc.property(lasts, fc.integer({ min: NOW - 60 * DAY, max: NOW }), (all, before) => {
        const left = kept(all, before);
        const newest = Math.max(...all);
        expect(left.includes(newest)).toBe(newest >= before);
        const slots = left.map(last =>
          NOW - last < 2 * DAY ? `h${Math.floor(last / HOUR)}` : `d${Math.floor(last / DAY)}`,
        );
        expect(new Set(slots).size).toBe(slots.length);
        expect(left.every(last => last >= before)).toBe(true);
        // Every forgotten one that is young enough has a newer one in its hour or day.
        for (const gone of all.filter(last => last >= before && !left.includes(last))) {
          const length = NOW - gone < 2 * DAY ? HOUR : DAY;
          expect(left.some(last => last > gone && last - gone < length)).toBe(true);
        }
      }),
    );
  });

  it('forgets nothing more when it is asked again', () => {
    fc.assert(
      fc.property(lasts, all => {
        const left = kept(all, NOW - 30 * DAY);
        expect(staleCheckpoints(left, NOW, NOW - 30 * DAY)).toEqual([]);
      }),
    );
  });
});
