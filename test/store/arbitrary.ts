import fc from 'fast-check';
import { type Annotation, type Detection, INCIDENT_STATES, type Peak } from '../../core/incident/incident.ts';
import type { ExpectedRange } from '../../core/incident/normal.ts';
import {
  CONNECTION_KINDS,
  type ConnectionRow,
  compareConnections,
  connectionId,
} from '../../core/traffic/connection.ts';
import {
  compareFlows,
  type Flow,
  flowId,
  isNamed,
  PEER_KINDS,
  PROTOCOLS,
  ROLES,
} from '../../core/traffic/flow.ts';
import {
  type Container,
  compareText,
  compareWindows,
  DIRECTIONS,
  type Exit,
  FAULTS,
  type Frame,
  type Window,
} from '../../core/traffic/frame.ts';
import { BUCKETS, sizesFrom } from '../../core/traffic/histogram.ts';
import { LABEL_CAPS, type Labels } from '../../core/traffic/labels.ts';
import { METRICS } from '../../core/traffic/series.ts';

/** Texts that break databases: separators, quotes, escapes, half surrogate pairs, what looks encoded already. */
export const NASTY = [
  '',
  ' ',
  '%',
  '%%',
  '%25',
  '%u0025',
  '\\',
  'ends with \\',
  '\\n',
  '\n',
  'two\nlines\r\n',
  '\0',
  ',',
  'a,b=c d',
  '"',
  '""',
  "'",
  "x' OR host = 'y",
  '"; DROP DATABASE tidegauge; --',
  'x value=1i 1700000000000\nhost_frames,host=evil duration_ms=1i,containers=0i 1700000000000',
  'x,host=evil" ,y="',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '\ud800',
  '\udc00\ud800',
  '🦀',
  'ü\u0301',
  '\u202e\u2028\ufeff',
  '\ufffd\ufffe',
  '#comment',
  '__proto__',
  'n'.repeat(300),
];

const alphabet = [...'%u0025AFaf\\\n\r\t\0,= "\'#/:-_é🦀', '\ud800', '\udfff', '\u2028', '\ufeff'];

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
);

const count = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 2 ** 45 }));

function windowOf(container: string, direction: Window['direction']): fc.Arbitrary<Window> {
  return fc
    .record({
      sizes: fc.array(fc.tuple(fc.constantFrom(...BUCKETS), count), { minLength: 1, maxLength: 8 }),
      bytes: fc.maxSafeNat(),
    })
    .map(({ sizes, bytes }) => {
      const distinct = sizesFrom(new Map(sizes));
      return {
        container,
        direction,
        messages: distinct.reduce((sum, [, n]) => sum + n, 0),
        bytes,
        sizes: distinct,
      };
    });
}

const labels: fc.Arbitrary<Labels> = fc
  .uniqueArray(fc.constantFrom('com.example/team', 'constructor', 'team', 'tier'), { minLength: 1 })
  .chain(keys => fc.tuple(...keys.sort().map(key => fc.tuple(fc.constant(key), hostileText))))
  .map(entries => Object.fromEntries(entries.map(([key, value]) => [key, value.slice(0, LABEL_CAPS.value)])));

const unlabelled: fc.Arbitrary<Container> = fc.record({
  name: hostileText,
  kind: fc.constantFrom('container', 'cgroup', 'other'),
  service: hostileText,
  replica: hostileText,
  image: hostileText,
  id: hostileText,
});

const container = fc
  .tuple(unlabelled, fc.option(labels))
  .map(([one, own]): Container => (own === null ? one : { ...one, labels: own }));

const containers = fc
  .uniqueArray(container, { maxLength: 5, selector: c => c.name })
  .map(list => list.sort((a, b) => compareText(a.name, b.name)));

const total = fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.maxSafeNat());

function flowArbitrary(names: readonly string[]): fc.Arbitrary<Flow> {
  return fc
    .record({
      container: fc.constantFrom(...names),
      protocol: fc.constantFrom(...PROTOCOLS),
      role: fc.constantFrom(...ROLES),
      peerKind: fc.constantFrom(...PEER_KINDS),
      peer: hostileText,
      port: fc.integer({ min: 0, max: 65_535 }),
      address: hostileText,
      sentMessages: total,
      sentBytes: total,
      receivedMessages: total,
      receivedBytes: total,
      connections: total,
      failures: total,
    })
    .map(flow => (isNamed(flow.peerKind) ? flow : { ...flow, peer: '' }));
}

const flowsOf = (names: readonly string[]): fc.Arbitrary<Flow[]> =>
  names.length === 0
    ? fc.constant([])
    : fc
        .uniqueArray(flowArbitrary(names), { maxLength: 6, selector: flowId })
        .map(flows => flows.sort(compareFlows));

const connectionArbitrary = (names: readonly string[]): fc.Arbitrary<ConnectionRow> =>
  fc.record({
    container: fc.constantFrom(...names),
    kind: fc.constantFrom(...CONNECTION_KINDS),
    own: hostileText,
    peer: hostileText,
    port: fc.integer({ min: 0, max: 65_535 }),
    clientPort: fc.integer({ min: 0, max: 65_535 }),
    count,
  });

const connectionsOf = (names: readonly string[]): fc.Arbitrary<ConnectionRow[]> =>
  names.length === 0
    ? fc.constant([])
    : fc
        .uniqueArray(connectionArbitrary(names), { maxLength: 6, selector: connectionId })
        .map(rows => rows.sort(compareConnections));

/** How some of them ended, sorted by name. */
const exitsOf = (names: readonly string[]): fc.Arbitrary<Exit[]> =>
  fc.subarray([...names]).chain(ended =>
    fc.tuple(
      ...ended.toSorted(compareText).map(container =>
        fc.record({
          container: fc.constant(container),
          code: fc.integer({ min: 0, max: 255 }),
          oom: fc.boolean(),
        }),
      ),
    ),
  );

/** A frame in canonical order with any start in a year's range. */
export function frameArbitrary(host: fc.Arbitrary<string>): fc.Arbitrary<Frame> {
  return containers.chain(alive => {
    const names = alive.map(c => c.name);
    const windows = names.flatMap(name => DIRECTIONS.map(direction => windowOf(name, direction)));
    const frame = fc.record({
      host,
      start: fc.integer({ min: 1_700_000_000_000, max: 1_731_000_000_000 }),
      durationMs: fc.integer({ min: 1, max: 600_000 }),
      previous: fc.option(fc.integer({ min: 1_690_000_000_000, max: 1_731_000_000_000 })),
      faults: fc.subarray([...FAULTS]).map(faults => faults.sort(compareText)),
      lost: fc.oneof(fc.constant(0), count),
      occupancy: fc.double({ min: 0, max: 2, noNaN: true }).map(Math.abs),
      containers: fc.constant(alive),
      started: fc.subarray(names),
      ended: fc.subarray(names),
      windows: fc
        .tuple(fc.tuple(...windows), fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }))
        .map(([all, kept]) => all.filter((_, i) => kept[i]).sort(compareWindows)),
      flows: flowsOf(names),
      connections: connectionsOf(names),
    });
    return fc.tuple(frame, fc.option(count), exitsOf(names)).map(([made, dropped, exits]) => ({
      ...made,
      ...(dropped === null ? {} : { dropped }),
      ...(exits.length === 0 ? {} : { exits }),
    }));
  });
}

const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map(x => (x === 0 ? 0 : x));

/** Whose row it is, and of when. */
const rowKeys = (host: fc.Arbitrary<string>) => ({
  host,
  service: hostileText,
  container: hostileText,
  start: fc.integer({ min: 1_700_000_000_000, max: 1_731_000_000_000 }),
});

export function detectionArbitrary(host: fc.Arbitrary<string>): fc.Arbitrary<Detection> {
  return fc.record({
    ...rowKeys(host),
    score: finite,
    scores: fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_-]{0,39}$/), finite, {
      maxKeys: 4,
      noNullPrototype: true,
    }),
    seen: finite,
    expected: fc.option(finite),
    open: fc.boolean(),
  });
}

export function expectedArbitrary(host: fc.Arbitrary<string>): fc.Arbitrary<ExpectedRange> {
  return fc.record({
    ...rowKeys(host),
    rule: hostileText,
    direction: fc.option(fc.constantFrom(...DIRECTIONS)),
    metric: fc.constantFrom(...METRICS),
    low: finite,
    high: fc.option(finite),
  });
}

export function annotationArbitrary(host: fc.Arbitrary<string>): fc.Arbitrary<Annotation> {
  return fc
    .record({
      id: hostileText,
      host,
      service: hostileText,
      container: hostileText,
      start: fc.integer({ min: 1_700_000_000_000, max: 1_731_000_000_000 }),
      length: fc.integer({ min: 0, max: 86_400_000 }),
      severity: fc.constantFrom('warning' as const, 'critical' as const),
      state: fc.constantFrom(...INCIDENT_STATES),
      title: hostileText,
      text: hostileText,
      peak: fc.option(peakArbitrary),
    })
    .map(({ length, peak, ...rest }) => ({
      ...rest,
      end: rest.start + length,
      ...(peak === null ? {} : { peak }),
    }));
}

const peakArbitrary: fc.Arbitrary<Peak> = fc.record({
  rule: hostileText,
  direction: fc.option(fc.constantFrom(...DIRECTIONS)),
  metric: fc.option(fc.constantFrom(...METRICS)),
  seen: finite,
  expected: fc.option(finite),
  unit: hostileText,
});
