import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PACKING, unpack } from '../../bpf/packing.ts';
import { scanSums } from '../../collector/scan.ts';
import { BUCKETS, upperBound } from '../../core/histogram.ts';

/** As bpftrace prints a map: bare numbers, or text where asked. */
const line = (name: string, entries: readonly (readonly [key: string, sum: bigint])[], quoted = false) =>
  `{"type": "map", "data": {"${name}": {${entries
    .map(([key, sum]) => `"${key}": ${quoted ? `"${sum}"` : sum}`)
    .join(', ')}}}}`;

function scan(text: string) {
  const entries: [string, bigint][] = [];
  const name = scanSums(text, (key, high, low) => {
    entries.push([key, BigInt(high) * 2n ** 32n + BigInt(low)]);
    return true;
  });
  return { name, entries };
}

describe('a map of sums', () => {
  const key = fc.stringMatching(/^\d{1,20}(,-?\d{1,20}){0,3}$/);

  it('is read exactly, up to 64 bits, bare or as text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(key, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })), { minLength: 1 }),
        fc.boolean(),
        (entries, quoted) => {
          expect(scan(line('@send_a', entries, quoted))).toEqual({ name: '@send_a', entries });
        },
      ),
    );
  });

  it.each([
    '',
    '{}',
    '{"type": "map", "data": {"@send_a": {}}}',
    '{"type": "map", "data": {"@send_a": 5}}',
    '{"type": "map", "data": {"@send_a": {"1,2": 5}',
    '{"type": "map", "data": {"@send_a": {"1,2": 5,}}}',
    '{"type": "map", "data": {"@send_a": {"1,2": "5}}}',
    '{"type": "map", "data": {"@send_a": {"1,2": -5}}}',
    '{"type": "map", "data": {"@send_a": {"1,2": 5.5}}}',
    '{"type": "map", "data": {"@send_a": {"1,2": 5e3}}}',
    '{"type": "map", "data": {"@send_a": {"1,2": }}}',
    '{"type": "map", "data": {"@send_a": {"1,2": 5}, "@send_b": {"1,2": 5}}}',
    '{"type": "map", "data": {"@send_a": {"1,2": 99999999999999999999}}}',
    '{"type": "map", "data": {"@send_a": {"1,2": 999999999999999999999999}}}',
    '{"type": "hist", "data": {"@send_a": {"1,2": 5}}}',
    '{"type": "map", "data": {"@send a": {"1,2": 5}}}',
  ])('and nothing else: %s', text => {
    expect(scan(text).name).toBeNull();
  });

  it('whatever the text is, nothing is thrown', () => {
    fc.assert(fc.property(fc.string(), text => void scan(text)));
    fc.assert(fc.property(fc.string(), text => void scan(`{"type": "map", "data": {"@a": {"${text}`)));
  });

  it('an entry that is not acceptable makes all of it so', () => {
    expect(
      scanSums(
        line('@a', [
          ['1', 1n],
          ['2', 2n],
        ]),
        key => key === '1',
      ),
    ).toBeNull();
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
          expect(unpack(i, ...halves(sum))).toEqual({ bound, messages: n, bytes });
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
      expect(unpack(i, ...halves(sum))).toMatchObject({ messages: Number(most) });
    }
  });

  it('refuses what is no bucket and what holds no message', () => {
    expect(unpack(BUCKETS.length, 1000, 0)).toBeNull();
    expect(unpack(0, 0, 63)).toBeNull();
  });
});
