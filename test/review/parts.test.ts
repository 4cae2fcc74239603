import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Part, Parts } from '../../review/record/parts.ts';

interface Counted extends Part {
  sum: number;
}

const newPart = (start: number, end: number): Counted => ({ start, end, sum: 0 });

it('parts of a stretch of any length are few, equally long and hold everything once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 400 }), values => {
      const parts = new Parts(8, newPart, (into, other) => {
        into.sum += other.sum;
      });
      for (const [i, value] of values.entries()) parts.of({ from: i, to: i + 1 }).sum += value;
      const { all } = parts;
      expect(all.length).toBeLessThanOrEqual(8);
      expect(all.reduce((total, { sum }) => total + sum, 0)).toBe(values.reduce((a, b) => a + b, 0));
      expect(all[0]?.start).toBe(0);
      expect(all.at(-1)?.end).toBe(values.length);
      for (const [i, { start, end, sum }] of all.entries()) {
        if (i > 0) expect(start).toBe(all[i - 1]?.end);
        if (i < all.length - 1) expect(end - start).toBe((all[0]?.end ?? 0) - (all[0]?.start ?? 0));
        expect(sum).toBe(values.slice(start, end).reduce((a, b) => a + b, 0));
      }
    }),
  );
});
