import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { epoch, identifier, literal, time } from '../../../store/influx/client/influxql.ts';
import { quoted, tag } from '../../../store/influx/client/line.ts';
import { batchesOf } from '../../../store/influx/client/write.ts';
import { hostileText } from '../arbitrary.ts';

describe('InfluxQL texts', () => {
  it.each([
    ["x' OR 1=1 --", "'x\\' OR 1=1 --'"],
    ['back\\slash', "'back\\\\slash'"],
    ["\\' OR host = 'y", "'\\\\\\' OR host = \\'y'"],
    ['two\nlines', "'two\\nlines'"],
  ])('literal of %j', (text, expected) => expect(literal(text)).toBe(expected));

  it('quotes identifiers', () => {
    expect(identifier('a"; DROP DATABASE "b\\')).toBe('"a\\"; DROP DATABASE \\"b\\\\"');
  });

  it('leaves no quote unescaped', () => {
    fc.assert(
      fc.property(hostileText, text => {
        expect(literal(text)).toMatch(/^'(?:[^'\\\n]|\\.)*'$/su);
        expect(identifier(text)).toMatch(/^"(?:[^"\\\n]|\\.)*"$/su);
      }),
    );
  });

  it('keeps times inside what InfluxDB holds', () => {
    expect(time(1_700_000_000_000)).toBe('1700000000000ms');
    expect(time(0.5)).toBe('1ms');
    expect(epoch(Number.POSITIVE_INFINITY)).toBe(9_223_372_036_000);
    expect(epoch(Number.NEGATIVE_INFINITY)).toBe(-9_223_372_036_000);
  });
});

describe('line protocol texts', () => {
  it('have no unescaped separator in tags and no unescaped quote in strings', () => {
    fc.assert(
      fc.property(hostileText, text => {
        expect(tag(text)).toMatch(/^(?:[^,= \\\n]|\\[,= ])+$/su);
        expect(quoted(text)).toMatch(/^"(?:[^"\\]|\\["\\])*"$/su);
      }),
    );
  });
});

describe('batches', () => {
  it('keep all lines in order and stay within their bounds', () => {
    const line = fc.tuple(fc.constantFrom('x', 'ü', '🦀'), fc.nat(400_000)).map(([c, n]) => c.repeat(n));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), lines => {
        const batches = [...batchesOf(lines)];
        expect(batches.flat()).toEqual(lines);
        for (const batch of batches) {
          const bytes = Buffer.byteLength(batch.join('\n'));
          expect(batch.length === 1 || bytes <= 768 * 1024).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
    const many = Array.from({ length: 12_000 }, (_, i) => String(i));
    expect([...batchesOf(many)].map(batch => batch.length)).toEqual([5000, 5000, 2000]);
    expect([...batchesOf([])]).toEqual([]);
  });
});
