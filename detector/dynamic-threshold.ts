import { z } from 'zod';
import { sensitivityOption } from '../core/config/budget.ts';
import { duration } from '../core/config/options.ts';
import type { Evidence } from '../core/incident/verdict.ts';
import type { Window } from '../core/traffic/frame.ts';
import { bucketOf } from '../core/traffic/histogram.ts';
import type { ContainerInput, Detector, Opinion, RaisedView } from './contract.ts';
import {
  allowanceAt,
  type Envelope,
  endBlock,
  endHalf,
  envelopeBytes,
  isKnownEvent,
  judge,
  learn,
  limitOf,
  newEnvelope,
  recentBytes,
  settle,
  spanOf,
} from './dynamic/envelope.ts';
import { expectationsOf, normalsOf } from './dynamic/normal.ts';
import { strictnessOf } from './dynamic/sensitivity.ts';
import { newTraffic, type Part, sum, type Traffic, take, trafficBytes } from './dynamic/traffic.ts';
import { VIEWS } from './dynamic/views/index.ts';
import { VIEW_NAMES, type View } from './dynamic/views/view.ts';
import { inputOf } from './shared/example-inputs.ts';

const options = z.strictObject({
  sensitivity: sensitivityOption(),
  views: z
    .array(z.enum(VIEW_NAMES))
    .min(1)
    .default([...VIEW_NAMES])
    .describe(
      'What is judged: how much, a burst alone, what is always there, bytes sent per message received, messages received per message sent, sizes, messages of each size, a trickle that never rests, silence.',
    ),
  warm_up: duration({ min: '1m', max: '7d' })
    .prefault('15m')
    .describe('Time to watch a container before the first judgement.'),
  hold: duration({ max: '24h' })
    .prefault('30m')
    .describe('After an alarm only one twice as large is raised for so long.'),
});

type Options = z.output<typeof options>;

/** An alarm that was raised: since when, when it was last seen, its greatest score. */
interface Raised {
  from: number;
  last: number;
  score: number;
}

interface State {
  traffic: Traffic;
  /** One for each view; null where it is switched off. */
  envelopes: (Envelope | null)[];
  /** Number of the 10-minute block and of the half-hour since the epoch; null before the first. */
  block: number | null;
  half: number | null;
  raised: Raised | null;
}

/** Evidence is written from this score on: nobody reads that of lower ones. */
const WORTH_TELLING = 0.5;
/** An alarm that pauses for no longer is the same. */
const SAME_ALARM_MS = 60_000;
/** So many times the limits of what follows from the level are, while that is as high as it has been before. */
const KNOWN_WORK = 1.7;
/** While one is held back only so many times its score is raised. */
const TWICE = 2;
const HELD_BACK = 0.99;
const MAX_SCORE = 100;

function init(o: Options): State {
  const envelopes = VIEWS.map(view => (o.views.includes(view.name) ? newEnvelope(view.daily) : null));
  return { traffic: newTraffic(), envelopes, block: null, half: null, raised: null };
}

function step(
  state: State,
  input: ContainerInput,
  o: Options,
  raised: RaisedView = AS_CALIBRATED,
): { state: State; opinion: Opinion } {
  const { traffic } = state;
  const part = take(traffic, input);
  const now = input.start + input.durationMs;
  if (part === null) return { state, opinion: unheard(traffic, now, o) };
  turn(state, now);
  const youth = allowanceAt(traffic.watched);
  const strictness = strictnessOf(o.sensitivity);
  let best = 0;
  let strangest = 0;
  let strangestValue = 0;
  let strictest = 1;
  let known = 1;
  for (let i = 0; i < VIEWS.length; i++) {
    const envelope = state.envelopes[i];
    const view = VIEWS[i];
    if (!envelope || !view) continue;
    const value = view.read(traffic, part);
    if (value === null) continue;
    if (view.isLearntOnly?.(traffic, part)) {
      learn(envelope, value);
      continue;
    }
    const tolerance = (view.work === 'follows' ? known : 1) * (view.tolerance?.(part) ?? 1);
    const strict = strictness * raised(view.name) * tolerance;
    const score = judge(envelope, value, view.sharp, youth, strict, now);
    if (view.work === 'leads' && isKnownEvent(envelope)) known = KNOWN_WORK;
    if (score < best) continue;
    best = score;
    strangest = i;
    strangestValue = value;
    strictest = strict;
  }
  if (traffic.watched < o.warm_up) return { state, opinion: unheard(traffic, now, o) };
  const score = Math.min(raise(state, best, now, o.hold), MAX_SCORE);
  if (score < WORTH_TELLING) return { state, opinion: { score, evidence: ORDINARY } };
  const evidence = evidenceOf(state, strangest, strangestValue, part, youth, strictest);
  return { state, opinion: { score, evidence } };
}

/** It is still learned, or these are not 5 seconds yet. */
function unheard(traffic: Traffic, now: number, o: Options): Opinion {
  const rest = Math.max(0, traffic.mute) + Math.max(0, o.warm_up - traffic.watched);
  return rest > 0 ? { abstain: 'warming up', until: now + rest } : { abstain: 'no value' };
}

const AS_CALIBRATED: RaisedView = () => 1;

const ORDINARY: Evidence = { seen: 0, low: null, high: null, unit: '', text: 'as usual' };

/** Blocks and half-hours end by the clock. */
function turn(state: State, now: number): void {
  const { block, half } = spanOf(now);
  if (block === state.block) return;
  for (const envelope of state.envelopes) {
    if (!envelope) continue;
    if (state.block !== null) endBlock(envelope);
    if (state.half !== null && state.half !== half) endHalf(envelope, state.half);
    settle(envelope, half);
  }
  state.block = block;
  state.half = half;
}

/** One alarm at a time: the same goes on, another has to be much larger for a while. */
function raise(state: State, score: number, now: number, holdMs: number): number {
  if (score < 1) return score;
  const { raised } = state;
  if (raised && Math.abs(now - raised.last) <= SAME_ALARM_MS) {
    raised.last = now;
    raised.score = Math.max(raised.score, Math.round(score * 100) / 100);
    return score;
  }
  const heldBack = raised && Math.abs(now - raised.from) < holdMs && score < TWICE * raised.score;
  if (heldBack) return HELD_BACK;
  state.raised = { from: now, last: now, score: Math.round(score * 100) / 100 };
  return score;
}

function evidenceOf(
  state: State,
  index: number,
  value: number,
  part: Part,
  youth: number,
  strictness: number,
): Evidence {
  const view = VIEWS[index] as View;
  const envelope = state.envelopes[index] as Envelope;
  const bound =
    (envelope.edge ?? 0) + limitOf(envelope, view.sharp, youth, state.traffic.end ?? 0) * strictness;
  const told = view.tell(value, bound, state.traffic, part);
  return { ...told, view: view.name, text: `${told.text} (${view.name})` };
}

/** Inputs of an example: consecutive frames of a minute; each row is sent and received messages, and their size. */
const minutes = (
  rows: readonly (readonly [sent: number, received: number, size: number])[],
): ContainerInput[] =>
  rows.map(([sent, received, size], i) =>
    inputOf(
      { name: 'web', kind: 'container', service: 'web', replica: '1', image: 'web:1', id: 'web' },
      { start: i * 60_000, durationMs: 60_000 },
      { send: windowOf('send', sent, size), receive: windowOf('receive', received, size) },
    ),
  );

function windowOf(direction: Window['direction'], messages: number, size: number): Window | undefined {
  if (messages === 0) return undefined;
  return {
    container: 'web',
    direction,
    messages,
    bytes: messages * size,
    sizes: [[bucketOf(size), messages]],
  };
}

const repeat = <T>(n: number, ...rows: T[]): T[] => Array.from({ length: n }, () => rows).flat();
const usual = repeat<[number, number, number]>(20, [600, 600, 200], [700, 700, 200], [650, 650, 200]);

export const dynamicThreshold: Detector<'container', Options, State> = {
  name: 'dynamic-threshold',
  summary:
    'Unlike the last two hours and this time of day: how much, in which sizes, in which ratio, or not at all. What recurs becomes normal.',
  scope: 'container',
  input: 'traffic',
  options,
  series: () => [],
  examples: [
    {
      title: 'Twenty times the traffic alarms at once, the same goes on as one alarm',
      options: {},
      inputs: minutes([...usual, [13_000, 13_000, 200], [13_000, 13_000, 200], [650, 650, 200]]),
      alarms: [60, 61],
    },
    {
      title: 'Half again as much is no anomaly',
      options: {},
      inputs: minutes([...usual, ...repeat<[number, number, number]>(5, [1000, 1000, 200])]),
      alarms: [],
    },
    {
      title: 'One that always talks falls silent',
      options: { views: ['silence'] },
      inputs: minutes([...usual, [0, 0, 0], [0, 0, 0], [650, 650, 200]]),
      alarms: [60, 61],
    },
    {
      title: 'The same number of messages in other sizes alarms at once',
      options: { views: ['sizes'] },
      inputs: minutes([...usual, ...repeat<[number, number, number]>(3, [650, 650, 900])]),
      alarms: [60, 61, 62],
    },
  ],
  stateBytes: o => {
    const judged = VIEWS.filter(view => o.views.includes(view.name));
    const envelopes = sum(judged.map(view => (view.daily ? envelopeBytes : recentBytes)));
    return trafficBytes + envelopes + VIEWS.length * 5 + 200;
  },
  init,
  step,
  normal: (state, { sensitivity }) => normalsOf(state, strictnessOf(sensitivity)),
  expects: (state, { sensitivity, warm_up }, raised = AS_CALIBRATED) =>
    state.traffic.watched < warm_up ? [] : expectationsOf(state, strictnessOf(sensitivity), raised),
};
