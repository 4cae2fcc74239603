import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { columnsOf, cut, cutInside, fitting, padded } from '../../../cli/screen/columns.ts';

const WIDE = '東京データベース';
const FAMILY = '👩‍👩‍👧‍👦';
const HEBREW = 'שלום-web-1';

describe('columns of a terminal', () => {
  it('are two for wide characters, one for what is drawn as one, none for marks', () => {
    expect([WIDE, FAMILY, 'e\u0301', HEBREW, 'web-1', ''].map(columnsOf)).toEqual([16, 2, 1, 10, 5, 0]);
  });

  it('are filled exactly, whatever the text, and no character is halved', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 30 }),
      fc
        .array(fc.constantFrom(WIDE, FAMILY, HEBREW, 'x', 'e\u0301', '🇩🇪'), { maxLength: 10 })
        .map(all => all.join('')),
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 3, max: 40 }), fc.boolean(), (name, room, isNumber) => {
        const shown = padded(name, room, isNumber);
        expect(stringWidth(shown)).toBeLessThanOrEqual(room);
        // Graphemes beside each other may join, never widen.
        if (/^[\x20-\x7e\u4e00-\u9fff]*$/.test(name)) expect(stringWidth(shown)).toBe(room);
        expect(shown.isWellFormed()).toBe(name.isWellFormed());
        expect(columnsOf(cut(name, room))).toBeLessThanOrEqual(room);
        expect(columnsOf(name.slice(0, fitting(name, room)))).toBeLessThanOrEqual(room);
      }),
    );
  });

  it('are cut where names differ least: inside', () => {
    expect(cutInside(WIDE, 9)).toBe('東京…ース');
    expect(cutInside('docker:f61937bbd410', 14)).toBe('docker:…bbd410');
    expect(padded('東', 4)).toBe('東  ');
  });

  it('keep numbers in their place beside a name from right to left', () => {
    expect(padded(HEBREW, 12)).toBe(`\u200e${HEBREW}\u200e  `);
    expect(padded('web-1', 6)).toBe('web-1 ');
  });
});
