import type { Annotation, Detection } from '../../core/incident/incident.ts';
import type { ExpectedRange } from '../../core/incident/normal.ts';
import { compareFlows, type Flow } from '../../core/traffic/flow.ts';
import type { Container, Direction, Frame, Window } from '../../core/traffic/frame.ts';
import { compareText, compareWindows } from '../../core/traffic/frame.ts';
import { bucketOf, sizesFrom } from '../../core/traffic/histogram.ts';

/** Frames, detections, what is expected, and annotations whose numbers a test can compute by itself. */

export const START = 1_760_000_000_000;
export const STEP = 5000;
export const FRAMES = 12;
export const HOST = 'host "a"\\';

/** Names that break queries which are not escaped, or regular expressions which are not. */
export const NAMES = [
  'web',
  'it\'s, "quoted" = yes',
  'ends in backslash\\',
  'two\nlines',
  '7.zip/../$x',
  'a.b|c(d)[e]{f}^g*h+i?',
  '100%',
  'über 🦭',
  'n'.repeat(300),
] as const;

const container = (name: string, i: number): Container => ({
  name,
  kind: 'container',
  service: `shop/${name}`,
  replica: String(i),
  image: 'shop:1',
  id: String(i).repeat(64).slice(0, 64),
});

const CONTAINERS = NAMES.map(container).sort((a, b) => compareText(a.name, b.name));

/** Sizes that the i-th container sends or receives in the n-th frame; `web` is silent in every third one. */
export function eventSizes(name: string, direction: Direction, n: number): number[] {
  const i = NAMES.indexOf(name as (typeof NAMES)[number]);
  if (i === 0 && n % 3 === 0) return [];
  const base = direction === 'send' ? 100 : 5000;
  return Array.from({ length: 1 + ((i + n) % 4) }, (_, k) => base * (i + 1) + 7 * n + 4096 * k);
}

function windowOf(name: string, direction: Direction, n: number): Window[] {
  const events = eventSizes(name, direction, n);
  if (events.length === 0) return [];
  const counts = new Map<number, number>();
  for (const size of events) counts.set(bucketOf(size), (counts.get(bucketOf(size)) ?? 0) + 1);
  const bytes = events.reduce((sum, size) => sum + size, 0);
  return [{ container: name, direction, messages: events.length, bytes, sizes: sizesFrom(counts) }];
}

const exchange = { sentMessages: 1, sentBytes: 100, receivedMessages: 2, receivedBytes: 300 };
const shared = { protocol: 'tcp', address: '10.0.0.1', ...exchange } as const;
const calls = { ...shared, role: 'client', connections: 0, failures: 0 } as const;
const serves = { ...calls, role: 'server', connections: 5 } as const;

/** In each frame but the third; every call of the second container to the first one fails. The first calls itself as well. */
const unsorted: readonly Flow[] = [
  { ...calls, container: NAMES[1], peerKind: 'container', peer: NAMES[0], port: 80, failures: 3 },
  { ...calls, container: NAMES[3], peerKind: 'outside', peer: '', port: 443, connections: 1 },
  { ...serves, container: NAMES[0], peerKind: 'private', peer: '', port: 80 },
  { ...calls, container: NAMES[0], peerKind: 'container', peer: NAMES[0], port: 9000, failures: 1 },
];
export const flows = unsorted.toSorted(compareFlows);

/** Frame durations differ a little, so that a rate over the nominal interval would be wrong. Frame 7 is missing. */
export const frames: readonly Frame[] = Array.from({ length: FRAMES }, (_, n) => n)
  .filter(n => n !== 7)
  .map(n => ({
    host: HOST,
    start: START + n * STEP,
    durationMs: 4990 + n,
    previous: n === 0 ? null : START + (n === 8 ? 6 : n - 1) * STEP,
    faults: n === 2 ? (['lost-events'] as const) : [],
    lost: n === 2 ? 17 : 0,
    ...(n === 3 && { dropped: 2 }),
    occupancy: n / 100,
    containers: CONTAINERS,
    started: [],
    ended: [],
    windows: NAMES.flatMap(name => [...windowOf(name, 'send', n), ...windowOf(name, 'receive', n)]).sort(
      compareWindows,
    ),
    flows: n === 2 ? [] : flows,
    connections: [],
  }));

export const detections: readonly Detection[] = frames.flatMap((frame, n) =>
  CONTAINERS.map((c, i) => ({
    host: HOST,
    service: c.service,
    container: c.name,
    start: frame.start,
    score: (n + i) / 10,
    scores: { surge: (n + i) / 10 },
    seen: n,
    expected: null,
    open: i === 1 && n > 4,
  })),
);

/** Of two rules and three quantities, of which one has no upper end; one row in each interval of the pictures of a minute. */
export const expected: readonly ExpectedRange[] = [5, 11].flatMap(n =>
  CONTAINERS.flatMap((c, i) =>
    (['strict', 'lenient'] as const).flatMap(rule => {
      const of = { host: HOST, service: c.service, container: c.name, start: START + n * STEP, rule };
      const high = (1000 + 10 * i + n) * (rule === 'strict' ? 1 : 2);
      return [
        { ...of, direction: 'send', metric: 'bytes', low: 0, high },
        { ...of, direction: 'receive', metric: 'messages', low: 0, high: high / 100 },
        { ...of, direction: null, metric: 'messages', low: rule === 'strict' ? 3 + i : 1, high: null },
      ] as const;
    }),
  ),
);

/** One that began before the range and lasts into it, one inside, one that was over before. */
export const annotations: readonly Annotation[] = [
  { id: 'lasting', start: START - 60_000, end: START + 1000, name: NAMES[1] },
  { id: 'inside', start: START + 10_000, end: START + 20_000, name: NAMES[3] },
  { id: 'over', start: START - 60_000, end: START - 50_000, name: NAMES[0] },
].map(({ id, start, end, name }) => ({
  id,
  host: HOST,
  service: `shop/${name}`,
  container: name,
  start,
  end,
  severity: 'warning',
  state: id === 'over' ? 'resolved' : 'firing',
  title: `traffic of ${id}`,
  text: 'seen 12, expected up to 3',
  peak: { rule: 'surge', direction: 'receive', metric: 'bytes', seen: 12, expected: 3, unit: 'B/s' },
}));
