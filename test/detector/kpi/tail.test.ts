import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { count, newTail, survival } from '../../../detector/kpi/tail.ts';

const ETERNAL = 1;

it('begins with the tail of a t distribution', () => {
  const tail = newTail();
  expect(survival(tail, 0)).toBe(1);
  expect(survival(tail, 2)).toBeCloseTo(1 / 4, 10);
  expect(survival(tail, 20)).toBeCloseTo(1 / 101 ** 2, 10);
});

it('tells the share of rows that were as large, once it has seen many', () => {
  const tail = newTail();
  for (let i = 0; i < 100_000; i++) count(tail, i % 100 === 0 ? 10 : 1, ETERNAL);
  expect(survival(tail, 5)).toBeCloseTo(0.01, 3);
  expect(survival(tail, 20)).toBeLessThan(1e-4);
});

it('half forgets in a half-life', () => {
  const tail = newTail();
  for (let i = 0; i < 100_000; i++) count(tail, 10, ETERNAL);
  for (let i = 0; i < 1000; i++) count(tail, 0.5, 2 ** (1 / 1000));
  // 100,000 rows count as 50,000; a row of the last thousand counts as .72 on average.
  expect(survival(tail, 5)).toBeCloseTo(50_000 / (50_000 + 721 + 500), 2);
});

it('is a probability that falls with the size, whatever was counted, also after very long', () => {
  const size = fc.double({ min: 0, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(fc.array(size), size, size, fc.constantFrom(1, 1.0001, 2 ** 20), (sizes, a, b, growth) => {
      const tail = newTail();
      for (const one of sizes) count(tail, one, growth);
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      expect(survival(tail, high)).toBeGreaterThan(0);
      expect(survival(tail, low)).toBeLessThanOrEqual(1);
      expect(survival(tail, high)).toBeLessThanOrEqual(survival(tail, low));
    }),
  );
});
