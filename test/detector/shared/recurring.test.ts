import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  happens,
  newsFrom,
  nothingRecurs,
  RECURRING_BYTES,
  settle,
} from '../../../detector/shared/recurring.ts';

const HOUR = 3_600_000;
const START = 1_700_000_000_000;

it('what happened twice is no news up to a third larger, what happened once still is', () => {
  const recurring = nothingRecurs();
  happens(recurring, 100, START);
  expect(newsFrom(recurring, START + HOUR)).toBe(0);
  happens(recurring, 80, START + HOUR);
  settle(recurring, START + 2 * HOUR);
  expect(newsFrom(recurring, START + 2 * HOUR)).toBeCloseTo(104);
  expect(newsFrom(recurring, START + 16 * 24 * HOUR)).toBe(0);
});

it('an event that pauses for minutes is one, as large as its largest', () => {
  const recurring = nothingRecurs();
  for (const [minute, size] of [
    [0, 10],
    [4, 50],
    [8, 20],
    [60, 40],
  ] as const)
    happens(recurring, size, START + minute * 60_000);
  settle(recurring, START + 2 * HOUR);
  expect(recurring.peaks.map(([, size]) => size)).toEqual([50, 40]);
});

it('what happens once a week is known in its third week', () => {
  const recurring = nothingRecurs();
  for (const week of [0, 1, 2]) {
    settle(recurring, START + week * 7 * 24 * HOUR);
    expect(newsFrom(recurring, START + week * 7 * 24 * HOUR)).toBe(week < 2 ? 0 : 130);
    happens(recurring, 100, START + week * 7 * 24 * HOUR);
  }
});

it('is bounded and finite, whatever happens whenever', () => {
  const events = fc.array(
    fc.record({
      wait: fc.oneof(fc.nat(600_000), fc.integer({ min: -1e9, max: 1e10 })),
      size: fc.double({ min: 1e-9, max: Number.MAX_SAFE_INTEGER, noNaN: true }),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(events, list => {
      const recurring = nothingRecurs();
      let now = START;
      for (const { wait, size } of list) {
        now += wait;
        happens(recurring, size, now);
        expect(JSON.stringify(recurring).length).toBeLessThanOrEqual(RECURRING_BYTES);
        expect(newsFrom(recurring, now)).toBeLessThan(Number.POSITIVE_INFINITY);
      }
    }),
  );
});
