import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Probe } from '../../../bpf/contract.ts';
import { findProbe } from '../../../bpf/index.ts';
import type { Counts } from '../../../collector/contract.ts';
import { lineCap, parseLine } from '../../../collector/decode/parse.ts';
import { BUCKETS, SIZE_SCHEME, upperBound } from '../../../core/traffic/histogram.ts';
import { trafficIn } from '../../data/cells.ts';

const probe = findProbe('lhist') as Probe;
const parse = (value: unknown) => parseLine(probe, JSON.stringify(value));
const countsOf = (value: unknown): Counts => {
  const [event, ...more] = parse(value);
  if (event?.kind !== 'counts' || more.length > 0) throw new Error('no counts');
  return event;
};
const printf = (data: string) => parse({ type: 'printf', data });
const kinds = (text: string) => parseLine(probe, text).map(event => event.kind);

/** What bpftrace prints for one bucket. */
const bucket = (bound: number, count: number | string) => {
  const top = upperBound(bound);
  return Number.isFinite(top) ? { min: bound, max: top - 1, count } : { min: bound, count };
};

describe('lines of bpftrace', () => {
  it('with the marks of a readout', () => {
    expect(printf('begin 1160428571878 lhist 500 4096\n')).toEqual([
      { kind: 'begin', ns: 1160428571878, probe: 'lhist', intervalMs: 500, mapKeys: 4096 },
    ]);
    expect(printf('flip 17 a\n')).toEqual([{ kind: 'flip', ns: 17, set: 'a' }]);
    expect(printf('end 17\n')).toEqual([{ kind: 'end', ns: 17 }]);
  });

  it('with the number of all messages of a set, if it is an exact one', () => {
    const total = (value: unknown) =>
      parseLine(probe, JSON.stringify({ type: 'map', data: { '@events_b': value } }));
    expect(total(12)).toEqual([{ kind: 'total', set: 'b', messages: 12 }]);
    expect(total('120000000')).toEqual([{ kind: 'total', set: 'b', messages: 120_000_000 }]);
    for (const value of ['9007199254740993', -1, 1.5, null, { '0': 6, '1': 6 }]) {
      expect(total(value)).toMatchObject([{ kind: 'garbage' }]);
    }
  });

  it('with births and deaths of cgroups, whatever is in their path', () => {
    expect(printf('mkdir 5 25 /a b"\\n\t\\\n')).toEqual([
      { kind: 'birth', ns: 5, cgroup: '25', path: '/a b"\\n\t\\', cut: false },
    ]);
    const text = String.raw`{"type": "printf", "data": "rmdir 5 25 /\uffffffc3\uffffffbc \ufffffff0\uffffff9f\uffffff8c\uffffff8a\n"}`;
    expect(parseLine(probe, text)).toEqual([
      { kind: 'death', ns: 5, cgroup: '25', path: '/ü \u{1F30A}', cut: false },
    ]);
    // Seen with bpftrace 0.23: no path.
    expect(printf('rmdir 5 25 \n')).toEqual([{ kind: 'death', ns: 5, cgroup: '25', path: '', cut: false }]);
    expect(printf('mkdir 5 25 \n')).toMatchObject([{ kind: 'birth', cgroup: '25', path: '/?', cut: true }]);
    expect(printf(`mkdir 5 25 /${'x'.repeat(198)}\n`)).toMatchObject([{ cut: true }]);
    expect(printf(`mkdir 5 25 /${'x'.repeat(197)}\n`)).toMatchObject([{ cut: false }]);
  });

  it('with sizes: every bucket of the scheme, counts as numbers or as text, empty ones left out', () => {
    for (const bound of BUCKETS) {
      const map = bound < SIZE_SCHEME.fine.limit ? '@send_fine_a' : '@send_coarse_a';
      const data = {
        [map]: { '243': [bucket(bound, 3), bucket(BUCKETS[0] ?? 0, 0)], '9': [bucket(bound, '12')] },
      };
      const counts = countsOf({ type: 'hist', data });
      expect(counts).toMatchObject({
        ...{
          kind: 'counts',
          map,
          set: 'a',
          direction: 'send',
          entries: 2,
          flows: null,
          ends: [],
          clients: [],
          connections: [],
        },
      });
      expect(trafficIn(counts.traffic)).toEqual([
        { cgroup: '9', bytes: 0, sizes: [[bound, 12]] },
        { cgroup: '243', bytes: 0, sizes: [[bound, 3]] },
      ]);
    }
  });

  it('with bytes', () => {
    const data = { '@receive_bytes_b': { '1': 160000, '18446744073709551615': '7' } };
    const counts = countsOf({ type: 'map', data });
    expect(counts).toMatchObject({ kind: 'counts', set: 'b', direction: 'receive', entries: 2, flows: null });
    expect(trafficIn(counts.traffic)).toEqual([
      { cgroup: '1', bytes: 160000, sizes: [] },
      { cgroup: '18446744073709551615', bytes: 7, sizes: [] },
    ]);
  });

  it('that say nothing: empty ones, and the internal maps of the probe', () => {
    expect(kinds('')).toEqual([]);
    expect(kinds(' \r')).toEqual([]);
    expect(parse({ type: 'map', data: { '@set': 1, '@reading': 0 } })).toEqual([]);
  });

  it.each(['map', 'hist'])(
    'without entries: no garbage, whatever bpftrace may print of an empty map (%s)',
    type => {
      const map = type === 'map' ? '@send_bytes_a' : '@send_fine_a';
      expect(countsOf({ type, data: { [map]: {} } })).toMatchObject({ map, set: 'a', entries: 0 });
    },
  );

  it('with losses', () => {
    expect(parse({ type: 'lost_events', data: { events: 3 } })).toEqual([{ kind: 'lost', events: 3 }]);
    expect(parse({ type: 'lost_events', data: { events: '3' } })).toEqual([{ kind: 'lost', events: 3 }]);
  });

  it.each([
    ['no JSON', '{"type": "hist", "data": {"@send_f'],
    ['no object', '[1,2]'],
    ['null', 'null'],
    ['no type', '{}'],
    ['an unknown type', '{"type":"value","data":1}'],
    ['an unknown map', '{"type":"map","data":{"@x":{"1":1}}}'],
    ['a map of another shape', '{"type":"map","data":{"@send_bytes_a":5}}'],
    ['a bucket that is none', '{"type":"hist","data":{"@send_fine_a":{"1":[{"min":1,"max":63,"count":1}]}}}'],
    [
      'a bucket of another width',
      '{"type":"hist","data":{"@send_fine_a":{"1":[{"min":0,"max":4095,"count":1}]}}}',
    ],
    ['an underflow bucket', '{"type":"hist","data":{"@send_coarse_a":{"1":[{"max":4095,"count":1}]}}}'],
    ['a negative count', '{"type":"hist","data":{"@send_fine_a":{"1":[{"min":0,"max":63,"count":-1}]}}}'],
    ['a count no double holds', '{"type":"map","data":{"@send_bytes_a":{"1":"9007199254740993"}}}'],
    [
      'more bytes than an interval can bring',
      '{"type":"map","data":{"@send_bytes_a":{"1":"8796093022209"}}}',
    ],
    ['a key that is no cgroup', '{"type":"map","data":{"@send_bytes_a":{"1,2,3":1}}}'],
    ['__proto__ for a key', '{"type":"map","data":{"@send_bytes_a":{"__proto__":1}}}'],
    ['unknown text', '{"type":"printf","data":"hello\\n"}'],
    ['a flip of a set that is none', '{"type":"printf","data":"flip 1 c\\n"}'],
    ['a mark without its newline', '{"type":"printf","data":"end 17"}'],
    ['lost_events without a number', '{"type":"lost_events","data":{"events":-1}}'],
  ])('that are garbage: %s', (_, text) => {
    expect(kinds(text)).toEqual(['garbage']);
  });

  it('never make it throw', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => Array.isArray(parseLine(probe, text))));
    fc.assert(fc.property(fc.json({ maxDepth: 5 }), text => Array.isArray(parseLine(probe, text))));
    const data = fc.dictionary(fc.constantFrom(...probe.maps.keys(), '@x'), fc.jsonValue());
    fc.assert(
      fc.property(fc.constantFrom('map', 'hist', 'printf'), data, (type, d) =>
        Array.isArray(parse({ type, data: d })),
      ),
    );
  });

  it('cut off anywhere say nothing false', () => {
    const data = {
      '@send_fine_a': { '243': [bucket(64, 1000), bucket(128, 0), bucket(192, 5)], '9': [bucket(0, 1)] },
    };
    const line = JSON.stringify({ type: 'hist', data });
    for (let length = 1; length < line.length; length++) {
      expect(kinds(line.slice(0, length))).toEqual(['garbage']);
    }
  });

  it('have a cap that the fullest map stays below', () => {
    const mapKeys = 4096;
    const sparse = BUCKETS.slice(0, 64).map((bound, i) => bucket(bound, i === 0 || i === 63 ? 1e15 : 0));
    const cgroups = Array.from({ length: mapKeys / 2 }, (_, i) => [String(2 ** 62 + i * 4096), sparse]);
    const line = JSON.stringify({ type: 'hist', data: { '@send_fine_a': Object.fromEntries(cgroups) } });
    // bpftrace writes a space after each colon and comma.
    expect(line.replaceAll(':', ': ').replaceAll(',', ', ').length).toBeLessThan(lineCap(mapKeys));
  });
});
