import { makeFold, SCHEMA } from '../../../app/wire.ts';
import type { Annotation, Detection } from '../../../core/incident/incident.ts';
import type { ExpectedRange } from '../../../core/incident/normal.ts';
import type { ConnectionRow } from '../../../core/traffic/connection.ts';
import type { Flow } from '../../../core/traffic/flow.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import type { Store } from '../../../store/contract.ts';
import { goldenFrames } from '../corpus.ts';

/** What the store of a case holds, and everything that can be asked of it. */

export const HOST = 'fuzz';
const BEGIN = 1_700_000_040_000;
const STEP_MS = 5000;
const RANGE = { from: BEGIN, to: BEGIN + 600_000 };
/** A bucket of a tier, ms. */
const MINUTE_MS = 60_000;

const FLOW: Omit<Flow, 'container'> = {
  ...{
    protocol: 'tcp',
    role: 'client',
    peerKind: 'container',
    peer: 'db "x", y=z',
    port: 5432,
    address: '10.0.0.2',
  },
  ...{ sentMessages: 1, sentBytes: 2, receivedMessages: 3, receivedBytes: 4, connections: 1, failures: 0 },
};

const CONNECTION: Omit<ConnectionRow, 'container'> = {
  kind: 'accepted',
  own: '10.0.0.3',
  peer: '10.0.0.2',
  port: 443,
  clientPort: 50_123,
  count: 7,
};

/** Frames of two minutes, of few containers that talk. */
export function talkingFrames(): Frame[] {
  const made = goldenFrames().slice(3, 6);
  return Array.from({ length: 26 }, (_, n) => {
    const golden = made[n % made.length] as Frame;
    const containers = golden.containers.slice(0, 2);
    const names = new Set(containers.map(({ name }) => name));
    const start = BEGIN + n * STEP_MS;
    const first = containers[0]?.name ?? '';
    return {
      ...golden,
      ...{ host: HOST, start, durationMs: STEP_MS, previous: n === 0 ? null : start - STEP_MS },
      containers,
      started: [],
      ended: n === 25 ? [first] : [],
      windows: golden.windows.filter(({ container }) => names.has(container)),
      flows: [{ container: first, ...FLOW }],
      connections: [{ container: first, ...CONNECTION }],
    };
  });
}

/** Fill a store with some of everything. */
export async function fill(store: Store): Promise<void> {
  const all = talkingFrames();
  await store.writeFrames(all);
  const names = { host: HOST, service: 'web "x", y=z', container: 'web-1' };
  const detection: Detection = {
    ...{
      ...names,
      start: BEGIN,
      score: 2.5,
      scores: { limit: 2.5, 'a b': 0.1 },
      seen: 7,
      expected: 3,
      open: true,
    },
  };
  const annotation: Annotation = {
    ...{ ...names, id: 'a1', start: BEGIN, end: BEGIN + 60_000, severity: 'warning', state: 'resolved' },
    ...{ title: '<b>title</b>', text: 'two\nlines, "quoted"' },
  };
  const expected: ExpectedRange = {
    ...{ ...names, start: BEGIN, rule: 'a b' },
    ...({ direction: null, metric: 'bytes', low: 1.5, high: null } as const),
  };
  await store.writeExpected([expected, { ...expected, direction: 'send', low: 0, high: 4096.5 }]);
  await store.writeDetections([detection, { ...detection, start: BEGIN + STEP_MS, expected: null }]);
  await store.writeAnnotations([annotation, { ...annotation, id: 'a2', state: 'firing' }]);
  await store.rollUp(HOST, RANGE);
}

type Question = (store: Store) => Promise<unknown>;

/** Each reads everything of its kind. Frames are folded, as a worker that was away would. */
export const QUESTIONS: readonly Question[] = [
  async store => {
    const fold = makeFold(SCHEMA.parse({}));
    let state = fold.init();
    for await (const frame of store.readFrames(HOST, RANGE)) state = fold.step(state, frame).state;
  },
  async store => {
    for await (const rollup of store.readSeries(HOST, RANGE, MINUTE_MS)) void rollup;
  },
  store => store.readFlows(HOST, RANGE),
  store => store.readDetections(HOST, RANGE),
  store => store.readExpected(HOST, RANGE),
  store => store.readAnnotations(RANGE),
  store => store.lastFrame(HOST),
  store => store.firstFrame(HOST),
  store => store.hosts(),
];
