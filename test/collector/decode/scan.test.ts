import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesIn, messagesIn, PACKING } from '../../../bpf/packing.ts';
import { Literal, mapHead, Scanner, scanEntries } from '../../../collector/decode/scan.ts';
import { BUCKETS, upperBound } from '../../../core/traffic/histogram.ts';

const MOST = 2n ** 64n - 1n;

/** The number at the beginning of a text, if there is one, and what is behind it. */
function read(text: string, how: 'unsigned' | 'signed' | 'unsignedOrQuoted' = 'unsigned') {
  const scan = new Scanner().load(text, 0);
  if (!scan[how]()) return null;
  return { number: BigInt(scan.high) * 2n ** 32n + BigInt(scan.low), rest: text.slice(scan.at) };
}

describe('a number', () => {
  const number = fc.oneof(fc.bigInt({ min: 0n, max: MOST }), fc.bigInt({ min: 0n, max: 10n ** 6n }));

  it('is read exactly, up to 64 bits', () => {
    fc.assert(
      fc.property(number, n => {
        expect(read(`${n},`)).toEqual({ number: n, rest: ',' });
        expect(read(`"${n}"}`, 'unsignedOrQuoted')).toEqual({ number: n, rest: '}' });
        expect(read(`${n}`, 'unsignedOrQuoted')).toEqual({ number: n, rest: '' });
      }),
    );
    for (const n of [0n, 2n ** 32n - 1n, 2n ** 32n, 10n ** 15n - 1n, 10n ** 15n, 10n ** 16n, MOST]) {
      expect(read(`${n}`)).toEqual({ number: n, rest: '' });
    }
  });

  it('with a sign has the same bits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), n => {
        expect(read(`${n},`, 'signed')).toEqual({ number: BigInt.asUintN(64, n), rest: ',' });
      }),
    );
    expect(read('-0', 'signed')).toEqual({ number: 0n, rest: '' });
  });

  it.each(['', 'x', '-1', '007', `${MOST + 1n}`, '99999999999999999999', '"5'])('is not %s', text => {
    expect(read(text, 'unsignedOrQuoted')).toBeNull();
  });

  it('ends where its digits do, at 20 of them', () => {
    expect(read('5.5')).toEqual({ number: 5n, rest: '.5' });
    expect(read('100000000000000000001')).toEqual({ number: 10n ** 19n, rest: '1' });
  });
});

describe('memory that is used again', () => {
  const read = (scan: Scanner, text: string) => (scan.load(text, 0).unsigned() ? scan.value : null);

  it('says nothing of an earlier text', () => {
    const scan = new Scanner();
    expect(read(scan, '123456')).toBe(123_456);
    expect([read(scan, '7'), scan.length, scan.at]).toEqual([7, 1, 1]);
    expect(read(scan, '')).toBeNull();
    expect(scan.load('{}}', 0).literal(new Literal('{}}}'))).toBe(false);
    scan.load('{}}}x', 0);
    expect([scan.load('{}}', 0).literal(new Literal('{}}}')), scan.load('5', 1).blank()]).toEqual([
      false,
      true,
    ]);
  });

  it('holds texts of any length and characters', () => {
    const scan = new Scanner();
    for (const text of ['\u{1f433}'.repeat(9), '\ud800'.repeat(70_000), ' '.repeat(9 * 1024 * 1024), 'é']) {
      expect(scan.load(`${text}8`, 0).length).toBe(Buffer.byteLength(`${text}8`));
    }
  });
});

describe('a map', () => {
  /** Its name and entries; null when it is none. */
  function entriesOf(text: string) {
    const head = mapHead(text);
    const entries: [key: number, value: number][] = [];
    const key = (scan: Scanner) => scan.unsigned() && entries.push([scan.value, Number.NaN]) > 0;
    const value = (scan: Scanner) => {
      const last = entries.at(-1);
      if (!last || !scan.unsigned()) return false;
      last[1] = scan.value;
      return true;
    };
    return head && scanEntries(new Scanner().load(text, head.at), key, value)
      ? { name: head.name, entries }
      : null;
  }

  it('is read with and without spaces, with anything blank behind it', () => {
    const expected = {
      name: '@send_a',
      entries: [
        [1, 5],
        [2, 6],
      ],
    };
    expect(entriesOf('{"type": "map", "data": {"@send_a": {"1": 5, "2": 6}}}')).toEqual(expected);
    expect(entriesOf('{"type":"map","data":{"@send_a":{"1":5,"2":6}}}\r\n')).toEqual(expected);
  });

  it.each([
    '',
    '{}',
    '{"type": "map", "data": {"@send_a": {}}}',
    '{"type": "map", "data": {"@send_a": 5}}',
    '{"type": "map", "data": {"@send_a": {"1": 5}',
    '{"type": "map", "data": {"@send_a": {"1": 5}}}}',
    '{"type": "map", "data": {"@send_a": {"1": 5}}} {}',
    '{"type": "map", "data": {"@send_a": {"1": 5,}}}',
    '{"type": "map", "data": {"@send_a": {"1": 5 }}}',
    '{"type": "map", "data": {"@send_a": {"1,2": 5}}}',
    '{"type": "map", "data": {"@send_a": {"1": 5.5}}}',
    '{"type": "map", "data": {"@send_a": {"1": 5e3}}}',
    '{"type": "map", "data": {"@send_a": {"1": }}}',
    '{"type": "map", "data": {"@send_a": {"1": 5}, "@send_b": {"1": 5}}}',
    '{"type": "stats", "data": {"@send_a": {"1": 5}}}',
    '{"type": "map", "data": {"@send a": {"1": 5}}}',
  ])('and nothing else: %s', text => {
    expect(entriesOf(text)).toBeNull();
  });

  it('whatever the text is, nothing is thrown', () => {
    fc.assert(fc.property(fc.string(), text => void entriesOf(text)));
    fc.assert(fc.property(fc.string(), text => void entriesOf(`{"type": "map", "data": {"@a": {"${text}`)));
  });
});

describe('packing', () => {
  const messageOf = (bound: number): number =>
    Number(
      bound < 4096
        ? PACKING.FINE_MESSAGE
        : bound < 65_536
          ? PACKING.COARSE_MESSAGE
          : PACKING.OVERFLOW_MESSAGE,
    );
  const halves = (sum: bigint): [number, number] => [Number(sum >> 32n), Number(sum & 0xffff_ffffn)];

  it('is undone exactly, for as many messages of any sizes as a bucket may hold', () => {
    fc.assert(
      fc.property(
        fc.nat(BUCKETS.length - 1),
        fc.integer({ min: 1, max: 2 ** 24 - 1 }),
        fc.nat(2 ** 20),
        (i, n, more) => {
          const bound = BUCKETS[i] ?? 0;
          const excess = Math.min(upperBound(bound) - 1 - bound, more);
          const sum =
            BigInt(n) * (BigInt(messageOf(bound)) + BigInt(bound === 65_536 ? excess % 65_536 : excess));
          const bytes = n * (bound + (bound === 65_536 ? excess % 65_536 : excess));
          const [high, low] = halves(sum);
          expect([messagesIn(i, high), bytesIn(i, high, low)]).toEqual([n, bytes]);
        },
      ),
    );
  });

  it('the sizes of a full bucket cannot reach the count', () => {
    for (const [i, bound] of BUCKETS.entries()) {
      if (bound === 65_536) continue;
      const width = BigInt(upperBound(bound) - bound);
      const message = BigInt(messageOf(bound));
      const most = 2n ** 64n / message - 1n;
      expect(most * (width - 1n)).toBeLessThan(message);
      const sum = most * (message + width - 1n);
      expect(messagesIn(i, halves(sum)[0])).toBe(Number(most));
    }
  });

  it('finds nothing in what is no bucket or holds no message', () => {
    expect(messagesIn(BUCKETS.length, 1000)).toBe(0);
    expect(bytesIn(BUCKETS.length, 1000, 0)).toBe(0);
    expect(messagesIn(0, 0)).toBe(0);
  });
});
