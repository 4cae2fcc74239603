import { expect, it } from '@jest/globals';
import { shareInterval } from '../../core/share-interval.ts';

it('has the share inside of its interval, also where that is none or all', () => {
  for (let n = 1; n <= 300; n++) {
    for (const hits of [0, 1, Math.floor(n / 2), n - 1, n]) {
      const { low, high } = shareInterval(hits, n);
      expect(0 <= low && low <= hits / n && hits / n <= high && high <= 1).toBe(true);
    }
  }
});

it('is the interval of Wilson: 8 of 10 are 49 to 94 %', () => {
  const { low, high } = shareInterval(8, 10);
  expect([low, high].map(end => Math.round(100 * end))).toEqual([49, 94]);
});
