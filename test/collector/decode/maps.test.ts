import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PROBES } from '../../../bpf/index.ts';
import { bytesIn, messagesIn } from '../../../bpf/packing.ts';
import type { Counts } from '../../../collector/contract.ts';
import { parseLine } from '../../../collector/decode/parse.ts';
import { BUCKETS, upperBound } from '../../../core/traffic/histogram.ts';
import { trafficIn } from '../../data/cells.ts';

/** Maps of traffic are read without JSON.parse; here they are read with it, and must say the same. */

/** As JSON.parse, with all integers as exact as they are written. */
function parseExactly(text: string): unknown {
  const reviver = (_: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && /^\d+$/.test(context?.source ?? '') ? BigInt(context?.source ?? '') : value;
  try {
    return JSON.parse(text, reviver);
  } catch {
    return null;
  }
}

type Cell = readonly [cgroup: string, bound: number, messages: number, bytes: number];

/** TrafficColumns of a map's entry, or null. */
type Entry = (key: string, value: unknown) => readonly Cell[] | null;

const integer = (value: unknown): bigint =>
  typeof value === 'string'
    ? BigInt(/^(0|[1-9]\d*)$/.test(value) ? value : -1)
    : typeof value === 'bigint'
      ? value
      : -1n;

function packedCell(cgroup: string, bucket: number, value: unknown): Cell[] | null {
  const sum = integer(value);
  if (sum < 0n || sum >= 2n ** 64n) return null;
  const [high, low] = [Number(sum >> 32n), Number(sum & 0xffff_ffffn)];
  const messages = messagesIn(bucket, high);
  return messages > 0 ? [[cgroup, BUCKETS[bucket] ?? -1, messages, bytesIn(bucket, high, low)]] : null;
}

const lhistCgroup = (key: string) => /^(\d{1,20})(?:,\d{1,5})?$/.exec(key)?.[1];

const ENTRIES: Readonly<Record<string, Entry>> = {
  packed(key, value) {
    const number = /^\d{1,20}$/.test(key) ? BigInt(key) : 2n ** 64n;
    return number < 2n ** 64n ? packedCell(`${number >> 7n}`, Number(number & 127n), value) : null;
  },
  flows(key, value) {
    const [, cgroup, text = ''] = /^(\d{1,20}),(-?\d{1,20}),-?\d{1,20},-?\d{1,20}$/.exec(key) ?? [];
    const word = BigInt(text);
    return cgroup === undefined || word <= -(2n ** 64n) || word >= 2n ** 64n
      ? null
      : packedCell(cgroup, Number(word & 0x7fn), value);
  },
  bytes(key, value) {
    const cgroup = lhistCgroup(key);
    const bytes = integer(value);
    return cgroup === undefined || bytes < 0n || bytes >= 2n ** 53n ? null : [[cgroup, 0, 0, Number(bytes)]];
  },
  sizes(key, value) {
    const cgroup = lhistCgroup(key);
    if (cgroup === undefined || !Array.isArray(value)) return null;
    const cells: Cell[] = [];
    for (const { min, max, count } of value) {
      const bound = Number(integer(min));
      const messages = integer(count);
      const top = max === undefined ? Number.POSITIVE_INFINITY : Number(integer(max)) + 1;
      if (!BUCKETS.includes(bound) || top !== upperBound(bound)) return null;
      if (messages < 0n || messages >= 2n ** 53n) return null;
      if (messages > 0n) cells.push([cgroup, bound, Number(messages), 0]);
    }
    return cells;
  },
};

/** Sums by cgroup and bucket, and bytes by cgroup, without what is 0. */
function summed(cells: readonly Cell[]): Map<string, number> {
  const sums = new Map<string, number>();
  const add = (key: string, n: number) => n > 0 && sums.set(key, (sums.get(key) ?? 0) + n);
  for (const [cgroup, bound, messages, bytes] of cells) {
    add(`${cgroup} from ${bound} on`, messages);
    add(`${cgroup} bytes`, bytes);
  }
  return new Map([...sums].sort());
}

/** What the line says, by way of JSON.parse; null when it is no map of traffic. */
function reference(text: string, holds: string): Map<string, number> | null {
  const value = parseExactly(text) as { data?: Record<string, Record<string, unknown>> } | null;
  const [content] = Object.values(value?.data ?? {});
  const cells: Cell[] = [];
  for (const [key, entry] of Object.entries(content ?? {})) {
    const own = ENTRIES[holds]?.(key, entry);
    if (!own) return null;
    cells.push(...own);
  }
  return summed(cells);
}

/** The same by the parser. */
function parsed(text: string): { sums: Map<string, number>; counts: Counts; holds: string } | null {
  for (const probe of PROBES) {
    const [counts] = parseLine(probe, text);
    if (counts?.kind !== 'counts' || !counts.traffic) continue;
    const cells = trafficIn(counts.traffic).flatMap(({ cgroup, bytes, sizes }): Cell[] => [
      [cgroup, 0, 0, bytes],
      ...sizes.map(([bound, messages]): Cell => [cgroup, bound, messages, 0]),
    ]);
    return { sums: summed(cells), counts, holds: probe.maps.get(counts.map)?.holds ?? '' };
  }
  return null;
}

const cgroup = fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })).map(String);
const sum = fc.bigInt({ min: 2n ** 41n, max: 2n ** 64n - 1n }).map(String);
const quotable = (numbers: fc.Arbitrary<string>) =>
  fc.tuple(numbers, fc.boolean()).map(([n, quoted]) => (quoted ? `"${n}"` : n));
const count = fc.nat().map(String);
const bucket = fc.nat(BUCKETS.length - 1);
const address = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(String);
const histogram = fc.uniqueArray(fc.tuple(bucket, quotable(count)), { minLength: 1, selector: ([n]) => n });

const lists = {
  packed: fc.tuple(cgroup, bucket, quotable(sum)).map(([id, n, value]) => {
    const number = (BigInt.asUintN(57, BigInt(id)) << 7n) | BigInt(n);
    return [`${number}`, value] as const;
  }),
  flows: fc
    .tuple(
      cgroup,
      fc.bigInt({ min: -(2n ** 56n), max: 2n ** 57n - 1n }).map(n => n * 128n),
      bucket,
      address,
      address,
      quotable(sum),
    )
    .map(([id, word, n, a, b, value]) => [`${id},${word + BigInt(n)},${a},${b}`, value] as const),
  bytes: fc.tuple(cgroup, quotable(count)).map(([id, value]) => [id, value] as const),
  sizes: fc.tuple(cgroup, fc.option(fc.nat(255)), histogram).map(([id, processor, sizes]) => {
    const buckets = sizes.map(([n, value]) => {
      const min = BUCKETS[n] ?? 0;
      const max = Number.isFinite(upperBound(min)) ? `, "max": ${upperBound(min) - 1}` : '';
      return `{"min": ${min}${max}, "count": ${value}}`;
    });
    return [processor === null ? id : `${id},${processor}`, `[${buckets.join(', ')}]`] as const;
  }),
};

const NAMES = { packed: '@send_a', flows: '@send_a', bytes: '@send_bytes_a', sizes: '@send_fine_a' };

/** A line as bpftrace prints it, and what it holds. */
const line = fc.constantFrom('packed', 'flows', 'bytes', 'sizes').chain(holds =>
  fc
    .uniqueArray<readonly [string, string], string>(lists[holds], { minLength: 1, selector: ([key]) => key })
    .map(entries => {
      const content = entries.map(([key, value]) => `"${key}": ${value}`).join(', ');
      const type = holds === 'sizes' ? 'hist' : 'map';
      return { holds, text: `{"type": "${type}", "data": {"${NAMES[holds]}": {${content}}}}` };
    }),
);

describe('a map of traffic', () => {
  it('says what JSON.parse would make of it, with spaces and without', () => {
    fc.assert(
      fc.property(line, ({ holds, text }) => {
        const expected = reference(text, holds);
        expect(expected).not.toBeNull();
        for (const spelling of [text, text.replaceAll(' ', '')]) {
          const { sums, counts } = parsed(spelling) ?? {};
          expect(sums).toEqual(expected);
          const flows = counts?.flows?.messages.reduce((total, n) => total + n, 0) ?? 0;
          const messages = [...(counts?.traffic?.messages ?? [])].reduce((total, n) => total + n, 0);
          expect(flows).toBe(holds === 'flows' ? messages : 0);
        }
      }),
    );
  });

  it('that was damaged is refused, or still says what JSON.parse would make of it', () => {
    const piece = fc.oneof(fc.constantFrom(...'0159-,:"{}[] .e'), fc.string({ maxLength: 3 }));
    const damage = fc.record({ at: fc.nat(), cut: fc.nat(3), piece });
    let read = 0;
    fc.assert(
      fc.property(line, fc.array(damage, { minLength: 1, maxLength: 3 }), ({ text }, damages) => {
        const damaged = damages.reduce((all, { at, cut, piece: more }) => {
          const from = at % all.length;
          return all.slice(0, from) + more + all.slice(from + cut);
        }, text);
        const keys = damaged.match(/"[\d,-]+":/g) ?? [];
        // JSON.parse keeps one of two entries with the same key.
        if (new Set(keys).size < keys.length) return;
        const found = parsed(damaged);
        if (!found) return;
        read++;
        expect(found.sums).toEqual(reference(damaged, found.holds));
      }),
      { numRuns: 2000 },
    );
    expect(read).toBeGreaterThan(0);
  });
});
