import { z } from 'zod';
import { sensitivityOption } from '../core/config/budget.ts';
import { duration } from '../core/config/options.ts';
import { formatValue } from '../core/config/units.ts';
import type { Evidence } from '../core/incident/verdict.ts';
import type { ContainerInput, Detector, GroupInput, Opinion } from './contract.ts';
import {
  allowanceAt,
  type Envelope,
  endBlock,
  judge,
  limitOf,
  newEnvelope,
  recentBytes,
  type Sharpness,
  settle,
  spanOf,
} from './dynamic/envelope.ts';
import { strictnessOf } from './dynamic/sensitivity.ts';
import { inputOf } from './shared/example-inputs.ts';

const options = z.strictObject({
  sensitivity: sensitivityOption(),
  warm_up: duration({ min: '1m', max: '7d' })
    .prefault('15m')
    .describe('Time to watch a service before the first judgement.'),
});

type Options = z.output<typeof options>;

/** What is known of a replica. Plain JSON. */
interface Replica {
  name: string;
  id: string;
  /** End of its last frame, epoch ms. */
  seen: number;
  /** Nothing is judged or learnt for so much longer, ms. */
  mute: number;
  /** Messages received in each frame of the last minute, and how long these were, ms; oldest first. */
  messages: number[];
  lengths: number[];
  /** Messages in each of the last whole minutes, oldest first; in the growing one, and how long that is, ms. */
  minutes: number[];
  growing: number;
  growingMs: number;
  /** Mean logarithm of its traffic over that of the others, by the minute; of how many. */
  usual: number;
  known: number;
  /** Of the last minute, and of the last minutes. */
  envelope: Envelope;
  slow: Envelope;
}

interface State {
  watched: number;
  end: number | null;
  block: number | null;
  replicas: Replica[];
}

/** Two cannot say which of them is the odd one. */
const ENOUGH = 3;
/** Replicas judged at most: the first by name. */
const MOST = 32;
const MINUTE = 60_000;
/** A minute is kept in slices of at least a second, whatever the frames are. */
const SLICE_MS = 1000;
const FRAMES = MINUTE / SLICE_MS;
/** A minute but for a frame of ordinary length. */
const WHOLE_MS = MINUTE - 5000;
const HOLE_MS = 30_000;
const START_MS = 180_000;
const GONE_MS = 24 * 60 * MINUTE;
/** A difference of so many minutes is judged as well: stalls and what is made up for afterwards even out in them. */
const SLOW_MINUTES = 5;
/** Minutes after which half of what is usual is new. */
const USUAL_MINUTES = 720;
/** Balanced replicas differ by a surge at most: what one did of late excuses no more than this. */
const EXCUSED = 0.2;

/** One that gains while the others lose has no surge of its own: traffic has moved. Gain, loss, and both together. */
const GAINED = 0.1;
const MOVED = 0.5;
/** Minutes before that it is compared with, the newest left out: so many at least. */
const BEFORE_MINUTES = 3;

/** How one span is judged; `few`: messages a minute that make little difference. */
interface Span {
  readonly words: string;
  readonly overMs: number;
  readonly few: number;
  readonly sharp: Sharpness;
}
const MINUTE_SPAN: Span = {
  words: '1m',
  overMs: MINUTE,
  few: 20,
  sharp: { floor: 0.84, steadyFloor: 0.74, restless: 0.4, allowance: 0.08 },
};
/** The same where traffic has moved from the others to one. */
const MOVED_SHARP: Sharpness = { floor: 0.52, steadyFloor: 0.52, restless: 0.4, allowance: 0.02 };
const SLOW_SPAN: Span = {
  words: '5m',
  overMs: SLOW_MINUTES * MINUTE,
  few: 8,
  sharp: { floor: 0.63, steadyFloor: 0.58, restless: 0.6, allowance: 0.08 },
};
const WORTH_TELLING = 0.5;
const MAX_SCORE = 100;

const replicaBytes = 64 * 2 + 220 + FRAMES * 24 + SLOW_MINUTES * 20 + 2 * recentBytes;

function step(state: State, input: GroupInput, o: Options): { state: State; opinion: Opinion } {
  const now = input.start + input.durationMs;
  if (state.end !== null && Math.abs(input.start - state.end) > HOLE_MS) {
    for (const replica of state.replicas) forgetMinute(replica);
  }
  state.end = now;
  state.replicas = state.replicas.filter(replica => Math.abs(now - replica.seen) < GONE_MS);
  if (input.members.length < ENOUGH) return { state, opinion: { abstain: 'no value' } };
  state.watched += input.durationMs;
  turn(state, now);
  const members = input.members.slice(0, MOST);
  makeRoom(state, members);
  const present = members.map(member => take(state, member, now));
  const ready = present.filter(replica => sum(replica.lengths) >= WHOLE_MS);
  const rest = Math.max(0, o.warm_up - state.watched, ready.length < ENOUGH ? restOf(present) : 0);
  if (ready.length < ENOUGH) return { state, opinion: { abstain: 'warming up', until: now + rest } };
  const oddest = judgeAll(ready, allowanceAt(state.watched), strictnessOf(o.sensitivity), now);
  if (rest > 0) return { state, opinion: { abstain: 'warming up', until: now + rest } };
  return { state, opinion: oddest };
}

/** Time until enough replicas have a whole minute, ms. */
function restOf(present: readonly Replica[]): number {
  const rests = present.map(({ mute, lengths }) => Math.max(0, mute) + WHOLE_MS - sum(lengths));
  return rests.sort((a, b) => a - b)[ENOUGH - 1] ?? 0;
}

function turn(state: State, now: number): void {
  const { block, half } = spanOf(now);
  if (block === state.block) return;
  for (const { envelope, slow } of state.replicas) {
    for (const one of [envelope, slow]) {
      endBlock(one);
      settle(one, half);
      if (one.edge !== null) one.edge = Math.min(one.edge, EXCUSED);
    }
  }
  state.block = block;
}

/** New replicas take the places of those that have been gone for longest. */
function makeRoom(state: State, members: readonly ContainerInput[]): void {
  const names = new Set(members.map(({ container }) => nameOf(container)));
  const known = new Set(state.replicas.map(({ name }) => name));
  const gone = state.replicas.filter(({ name }) => !names.has(name)).sort((a, b) => a.seen - b.seen);
  const lacking = state.replicas.length + [...names].filter(name => !known.has(name)).length - MOST;
  const dropped = new Set(gone.slice(0, Math.max(0, lacking)));
  if (dropped.size > 0) state.replicas = state.replicas.filter(replica => !dropped.has(replica));
}

const nameOf = ({ replica }: ContainerInput['container']): string => replica.slice(0, 64);

/** The replica of a member, with its newest frame. */
function take(state: State, member: ContainerInput, now: number): Replica {
  const { id } = member.container;
  const name = nameOf(member.container);
  let replica = state.replicas.find(one => one.name === name);
  if (!replica) {
    replica = {
      name,
      id: id.slice(0, 64),
      seen: now,
      mute: START_MS,
      messages: [],
      lengths: [],
      minutes: [],
      growing: 0,
      growingMs: 0,
      usual: 0,
      known: 0,
      envelope: newEnvelope(false),
      slow: newEnvelope(false),
    };
    if (state.replicas.length < MOST) state.replicas.push(replica);
  }
  replica.seen = now;
  if (replica.id !== id.slice(0, 64)) {
    replica.id = id.slice(0, 64);
    replica.mute = START_MS;
  }
  if (replica.mute > 0) {
    replica.mute -= member.durationMs;
    forgetMinute(replica);
    return replica;
  }
  const count = member.receive?.messages ?? 0;
  addFrame(replica, count, member.durationMs);
  addToMinute(replica, count, member.durationMs);
  while (replica.lengths.length > FRAMES || sum(replica.lengths) - (replica.lengths[0] ?? 0) >= MINUTE) {
    replica.messages.shift();
    replica.lengths.shift();
  }
  return replica;
}

function addFrame({ messages, lengths }: Replica, count: number, durationMs: number): void {
  const last = lengths.length - 1;
  if (last >= 0 && (lengths[last] ?? 0) < SLICE_MS) {
    messages[last] = (messages[last] ?? 0) + count;
    lengths[last] = (lengths[last] ?? 0) + durationMs;
  } else {
    messages.push(count);
    lengths.push(durationMs);
  }
}

function addToMinute(replica: Replica, count: number, durationMs: number): void {
  // A minute that is over was judged with the frame before.
  if (replica.growingMs >= MINUTE) {
    replica.growing = 0;
    replica.growingMs = 0;
  }
  replica.growing += count;
  replica.growingMs += durationMs;
  if (replica.growingMs < MINUTE) return;
  replica.minutes.push((replica.growing * MINUTE) / replica.growingMs);
  if (replica.minutes.length > SLOW_MINUTES) replica.minutes.shift();
}

function forgetMinute(replica: Replica): void {
  replica.messages = [];
  replica.lengths = [];
  replica.minutes = [];
  replica.growing = 0;
  replica.growingMs = 0;
}

interface Odd {
  readonly score: number;
  readonly evidence: Evidence;
}

/** The oddest of the last minute, or of the last minutes where these have just ended for all. */
function judgeAll(ready: readonly Replica[], youth: number, strictness: number, now: number): Odd {
  const rates = ready.map(({ messages, lengths }) => (sum(messages) * MINUTE) / sum(lengths));
  const gains = ready.map((replica, i) => gainOf(replica, rates[i] ?? 0));
  const judgeIn = (span: Span, of: readonly number[], pick: (replica: Replica) => Envelope) =>
    oddest(ready, of, span, (replica, value, i) => {
      const envelope = pick(replica);
      const sharp = span === MINUTE_SPAN && hasTaken(gains, i) ? MOVED_SHARP : span.sharp;
      const score = judge(envelope, value, sharp, youth, strictness, now);
      return { score, bound: (envelope.edge ?? 0) + limitOf(envelope, sharp, youth, now) * strictness };
    });
  const fast = judgeIn(MINUTE_SPAN, rates, replica => replica.envelope);
  const isWhole = ready.every(
    ({ minutes, growingMs }) => minutes.length === SLOW_MINUTES && growingMs >= MINUTE,
  );
  if (!isWhole) return fast;
  const means = ready.map(({ minutes }) => sum(minutes) / SLOW_MINUTES);
  const slow = judgeIn(SLOW_SPAN, means, replica => replica.slow);
  learnUsual(ready, means);
  return slow.score > fast.score ? slow : fast;
}

/** How much more a replica has than in the minutes before, in logarithms; 0: not known. */
function gainOf({ minutes }: Replica, rate: number): number {
  const before = minutes.slice(0, -1);
  if (before.length < BEFORE_MINUTES) return 0;
  return logRatio(rate, sum(before) / before.length, MINUTE_SPAN.few);
}

/** The replica has gained what the others have lost. */
function hasTaken(gains: readonly number[], i: number): boolean {
  const own = gains[i] ?? 0;
  if (own < GAINED) return false;
  const sorted = [...gains].sort((a, b) => a - b);
  const others = medianWithout(sorted, own);
  return others <= -GAINED && own - others >= MOVED;
}

/** Each against the median of the others, less what is usual for it. */
function oddest(
  ready: readonly Replica[],
  rates: readonly number[],
  span: Span,
  say: (replica: Replica, value: number, i: number) => { score: number; bound: number },
): Odd {
  const sorted = [...rates].sort((a, b) => a - b);
  let best: Odd = { score: 0, evidence: ALIKE };
  ready.forEach((replica, i) => {
    const own = rates[i] ?? 0;
    const others = medianWithout(sorted, own);
    const { score, bound } = say(replica, Math.abs(logRatio(own, others, span.few) - replica.usual), i);
    if (score <= best.score) return;
    const evidence = score < WORTH_TELLING ? ALIKE : evidenceOf(replica, own, others, bound, span);
    best = { score: Math.min(score, MAX_SCORE), evidence };
  });
  return best;
}

const logRatio = (own: number, others: number, few: number): number => Math.log((own + few) / (others + few));

/** What is usual for each: some services have one replica that does more. */
function learnUsual(ready: readonly Replica[], means: readonly number[]): void {
  const sorted = [...means].sort((a, b) => a - b);
  ready.forEach((replica, i) => {
    const own = means[i] ?? 0;
    const now = logRatio(own, medianWithout(sorted, own), SLOW_SPAN.few);
    replica.known = Math.min(replica.known + 1, USUAL_MINUTES);
    replica.usual = thousandths(replica.usual + (now - replica.usual) / replica.known);
  });
}

// Zero is never negative: JSON has no sign for it.
const thousandths = (x: number): number => Math.round(1e3 * x) / 1e3 + 0;

const ALIKE: Evidence = { seen: 0, low: null, high: null, unit: '', text: 'replicas alike' };

function evidenceOf(
  { name, usual }: Replica,
  own: number,
  others: number,
  bound: number,
  { few, words, overMs }: Span,
): Evidence {
  const seen = own / 60;
  const low = Math.max(0, (others + few) * Math.exp(usual - bound) - few) / 60;
  const high = Math.max(0, (others + few) * Math.exp(usual + bound) - few) / 60;
  const text =
    `replica ${printableName(name)} received ${formatValue(seen, 'msg/s')} over ${words}, the others ${formatValue(others / 60, 'msg/s')}, ` +
    `expected ${formatValue(low, 'msg/s')} to ${formatValue(high, 'msg/s')} (siblings)`;
  return { seen, low, high, unit: 'msg/s', overMs, text };
}

/** Names are untrusted text. */
const printableName = (name: string): string => name.replace(/[^\x20-\x7e]/g, '?');

/** Median of a sorted list without one of its values. */
function medianWithout(sorted: readonly number[], value: number): number {
  const at = sorted.indexOf(value);
  const rest = sorted.length - 1;
  const nth = (i: number) => sorted[i < at ? i : i + 1] ?? 0;
  const middle = Math.floor(rest / 2);
  return rest % 2 === 1 ? nth(middle) : (nth(middle - 1) + nth(middle)) / 2;
}

function sum(list: readonly number[]): number {
  let total = 0;
  for (const x of list) total += x;
  return total;
}

/** Inputs of an example: minutes of three replicas, by messages received. */
const minutes = (rows: readonly (readonly number[])[]): GroupInput[] =>
  rows.map((row, i) => {
    const moment = { start: i * MINUTE, durationMs: MINUTE };
    const members = row.map((messages, k) => {
      const name = `web-${k + 1}`;
      const container = {
        name,
        kind: 'container',
        service: 'shop/web',
        replica: `${k + 1}`,
        image: 'web:1',
        id: name,
      } as const;
      const receive = {
        container: name,
        direction: 'receive',
        messages,
        bytes: messages * 100,
        sizes: [[64, messages]],
      } as const;
      return inputOf(container, moment, { send: undefined, receive });
    });
    return { ...moment, members, exits: [], nameless: [] };
  });

const alike = Array.from({ length: 40 }, (_, i) => [600 + (i % 3) * 20, 610, 590 + (i % 5) * 10]);

export const siblings: Detector<'service', Options, State> = {
  name: 'siblings',
  summary: 'One replica receives unlike the others of its service: more, or less.',
  scope: 'service',
  input: 'traffic',
  options,
  series: () => [],
  examples: [
    {
      title: 'One of three takes the traffic of all',
      options: {},
      inputs: minutes([...alike, [1700, 60, 50], [600, 610, 590]]),
      alarms: [40],
    },
    {
      title: 'All of them have three times the traffic: that is no difference',
      options: {},
      inputs: minutes([...alike, [1800, 1830, 1790]]),
      alarms: [],
    },
  ],
  stateBytes: () => 200 + MOST * replicaBytes,
  init: () => ({ watched: 0, end: null, block: null, replicas: [] }),
  step,
};
