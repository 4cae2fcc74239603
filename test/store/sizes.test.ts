import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BUCKETS, isSizes, sizesFrom } from '../../core/traffic/histogram.ts';
import { SizesReader } from '../../store/sqlite/sizes.ts';

const counts = fc.array(fc.tuple(fc.constantFrom(...BUCKETS), fc.integer({ min: 1, max: 1000 })));
const histograms = counts.map(pairs => sizesFrom(new Map(pairs)));

it('a column of a histogram is read as JSON.parse reads it, however often', () => {
  const reader = new SizesReader();
  fc.assert(
    fc.property(histograms, histogram => {
      const text = JSON.stringify(histogram);
      expect(reader.read(text)).toEqual(histogram);
      expect(reader.read(text)).toEqual(histogram);
    }),
  );
});

const NEARLY = fc
  .array(fc.constantFrom('[', ']', ',', '0', '1', '64', '100', '-1', '1e3', ' ', '"', '9007199254740993'))
  .map(signs => `[[${signs.join('')}]]`);

it('what is no histogram is refused', () => {
  const reader = new SizesReader();
  fc.assert(
    fc.property(NEARLY, text => {
      const read = () => reader.read(text);
      if (isHistogram(text)) expect(read()).toEqual(JSON.parse(text));
      else expect(read).toThrow(`sizes: expected [[bound, count], ...], found ${text.slice(0, 60)}`);
    }),
  );
  for (const text of [
    '',
    '[',
    '[[0,1]',
    '[[0,1]]]',
    '[[0,0]]',
    '[[64,1],[0,1]]',
    '[[1,1]]',
    '[[00,1]]',
    '{}',
  ])
    expect(() => reader.read(text)).toThrow('sizes: expected');
});

/** As this program writes it: no blanks, no exponents. */
function isHistogram(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return isSizes(value) && JSON.stringify(value) === text;
  } catch {
    return false;
  }
}
