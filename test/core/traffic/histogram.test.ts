import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  BUCKETS,
  bucketOf,
  countOf,
  isSizes,
  sizesFrom,
  upperBound,
} from '../../../core/traffic/histogram.ts';
import { mergeSizes } from '../../data/sizes.ts';

const sizesOf = (events: readonly number[]) => {
  const counts = new Map<number, number>();
  for (const size of events) counts.set(bucketOf(size), (counts.get(bucketOf(size)) ?? 0) + 1);
  return sizesFrom(counts);
};

const eventSize = fc.integer({ min: 0, max: 200_000 });

describe('size histogram', () => {
  it('has 64-byte steps to 4 KiB, 4 KiB steps to 64 KiB, then overflow', () => {
    expect(BUCKETS).toHaveLength(64 + 15 + 1);
    expect(BUCKETS.slice(0, 3)).toEqual([0, 64, 128]);
    expect(BUCKETS.slice(63, 66)).toEqual([4032, 4096, 8192]);
    expect(BUCKETS.at(-1)).toBe(65_536);
  });

  it('puts every size into exactly one bucket', () => {
    fc.assert(
      fc.property(eventSize, size => {
        const holding = BUCKETS.filter(bound => size >= bound && size < upperBound(bound));
        expect(holding).toEqual([bucketOf(size)]);
        expect(isSizes([[bucketOf(size), 1]])).toBe(true);
        expect(isSizes([[size, 1]])).toBe(size === bucketOf(size));
      }),
    );
  });

  it('is one only with each bucket once, ascending', () => {
    const some = fc.array(fc.tuple(fc.constantFrom(...BUCKETS), fc.integer({ min: 1 })), { maxLength: 4 });
    fc.assert(
      fc.property(some, pairs => {
        const bounds = pairs.map(([bound]) => bound);
        const ordered = [...new Set(bounds)].sort((a, b) => a - b);
        expect(isSizes(pairs)).toBe(bounds.join() === ordered.join());
        expect(isSizes(sizesFrom(new Map(pairs)))).toBe(true);
      }),
    );
  });

  it('merges exactly: merging histograms equals the histogram of all events', () => {
    fc.assert(
      fc.property(fc.array(eventSize), fc.array(eventSize), (a, b) => {
        const merged = mergeSizes(sizesOf(a), sizesOf(b));
        expect(merged).toEqual(sizesOf([...a, ...b]));
        expect(countOf(merged)).toBe(a.length + b.length);
      }),
    );
  });
});
