import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { layout, wrap } from '../../../cli/screen/layout.ts';

const table = (rows: number) => ({
  tableHeight: rows,
  table: (height: number) => Array.from({ length: Math.min(rows, height) }, (_, i) => `row ${i}`),
});

describe('the picture', () => {
  it('never has more lines than the screen, and the table keeps what it needs', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 24, max: 60 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.array(fc.string({ maxLength: 200 }), { maxLength: 8 }), { maxLength: 6 }),
        (height, rows, blocks) => {
          const parts = { header: ['a', 'b', 'c', 'd'], status: ['fine'], blocks, ...table(rows) };
          const lines = layout(parts, { width: 80, height });
          expect(lines.length).toBeLessThan(height);
          const kept = lines.filter(line => line.startsWith('row ')).length;
          expect(kept).toBeGreaterThanOrEqual(Math.min(rows, 10));
        },
      ),
    );
  });

  it('says how much of a block did not fit', () => {
    const block = Array.from({ length: 12 }, (_, i) => `line ${i}`);
    const lines = layout(
      { header: [], status: ['fine'], blocks: [block], ...table(10) },
      { width: 80, height: 20 },
    );
    expect(lines.at(-1)).toBe('… 5 more lines');
  });
});

describe('wrapping', () => {
  it('breaks at blanks and loses nothing', () => {
    expect(wrap('  burst: web send bytes: 12 MiB/s, expected 1.4 MiB/s', 30)).toEqual([
      '  burst: web send bytes: 12',
      '    MiB/s, expected 1.4 MiB/s',
    ]);
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), fc.integer({ min: 1, max: 120 }), (text, width) => {
        const lines = wrap(text, width);
        expect(lines.every(line => line.length <= Math.max(20, width))).toBe(true);
        expect(lines.join('').replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''));
      }),
    );
  });
});
