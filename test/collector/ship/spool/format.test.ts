import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeRecord,
  encodeHeader,
  encodeRecord,
  HEADER_BYTES,
  scanSegment,
  VERSION,
  versionOf,
} from '../../../../collector/ship/spool/format.ts';

const payloads = fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 12 });

/** A segment whose records are numbered from 5, and where each one ends. */
function segmentOf(contents: readonly Uint8Array[]): { segment: Buffer; ends: number[] } {
  const records = contents.map((content, i) => encodeRecord(5 + i, 1000 * i, Buffer.from(content)));
  let end = HEADER_BYTES;
  const ends = records.map(record => {
    end += record.length;
    return end;
  });
  return { segment: Buffer.concat([encodeHeader(), ...records]), ends };
}

describe('segments of a spool', () => {
  it('give back what was written', () => {
    fc.assert(
      fc.property(payloads, contents => {
        const { segment } = segmentOf(contents);
        expect(versionOf(segment)).toBe(VERSION);
        const { records, damaged, goodBytes } = scanSegment(segment);
        expect([records.length, damaged, goodBytes]).toEqual([contents.length, 0, segment.length]);
        records.forEach((record, i) => {
          expect(record).toMatchObject({ seq: 5 + i, start: 1000 * i });
          const payload = decodeRecord(segment.subarray(record.offset), record.seq);
          expect(payload).toEqual(Buffer.from(contents[i] ?? []));
          expect(decodeRecord(segment.subarray(record.offset), record.seq + 1)).toBeNull();
        });
      }),
    );
  });

  it('cut anywhere keep all records before the cut, and say where the good part ends', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), (contents, where) => {
        const { segment, ends } = segmentOf(contents);
        const cut = HEADER_BYTES + (where % (segment.length - HEADER_BYTES + 1));
        const whole = ends.filter(end => end <= cut);
        const { records, damaged, goodBytes } = scanSegment(segment.subarray(0, cut));
        expect(records).toHaveLength(whole.length);
        expect(goodBytes).toBe(whole.at(-1) ?? HEADER_BYTES);
        expect(damaged).toBe(goodBytes === cut ? 0 : 1);
      }),
    );
  });

  it('with one flipped bit never give a wrong record, and lose the one that it is in or what follows', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), fc.nat(7), (contents, where, bit) => {
        const { segment, ends } = segmentOf(contents);
        const at = HEADER_BYTES + (where % (segment.length - HEADER_BYTES));
        segment[at] = (segment[at] ?? 0) ^ (1 << bit);
        const hit = ends.findIndex(end => at < end);
        const { records, damaged } = scanSegment(segment);
        expect(damaged).toBeGreaterThanOrEqual(1);
        const found = records.map(({ seq }) => seq - 5);
        expect(found).not.toContain(hit);
        expect(found.slice(0, hit)).toEqual(Array.from({ length: hit }, (_, i) => i));
        // Only a damaged length hides the records behind it.
        const inLength = at - (ends[hit - 1] ?? HEADER_BYTES) < 4;
        if (!inLength) expect(found).toHaveLength(contents.length - 1);
        for (const { seq, offset } of records)
          expect(decodeRecord(segment.subarray(offset), seq)).toEqual(Buffer.from(contents[seq - 5] ?? []));
      }),
    );
  });

  it('of nonsense give nothing and do not throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        const { records } = scanSegment(Buffer.concat([encodeHeader(), Buffer.from(bytes)]));
        expect(records).toEqual([]);
        expect(versionOf(Buffer.from(bytes))).toBeNull();
      }),
      { numRuns: 2000 },
    );
  });
});
