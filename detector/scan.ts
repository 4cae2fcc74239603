import { z } from 'zod';
import { duration } from '../core/config/options.ts';
import { formatCounted } from '../core/config/units.ts';
import { printable } from '../core/errors.ts';
import type { Evidence } from '../core/incident/verdict.ts';
import type { ConnectionKind } from '../core/traffic/connection.ts';
import type { ContainerInput, Detector, Opinion } from './contract.ts';
import { exampleInputs } from './shared/example-inputs.ts';
import { hashNumber } from './shared/peers.ts';
import { graded } from './shared/score.ts';
import { limitOf, note, nothingUsual, USUAL_BYTES, type Usual } from './shared/usual.ts';

/**
 * Many different targets (an address and a port) within a minute, as when somebody looks for what can be reached.
 * Repeated attempts at one target are one. Distinct targets of a minute are counted by linear counting (Whang,
 * Vander-Zanden and Taylor, "A Linear-Time Probabilistic Counting Algorithm", ACM TODS 15(2), 1990) on 256 bits: within
 * some percent for 20 to 500.
 */

const targets = (limit: number, what: string) => z.int().min(1).max(1_000_000).default(limit).describe(what);

const options = z.strictObject({
  failed: targets(
    20,
    'Targets within a minute to which no connection could be made: from this on it alarms, unless a third of that is usual.',
  ),
  silent: targets(40, 'The same for targets that were sent datagrams (UDP) and sent nothing back.'),
  opened: targets(200, 'The same for targets to which a connection was made.'),
  warm_up: duration({ max: '7d' }).prefault('10m').describe('Time in which only five times as many alarm.'),
});

type Options = z.output<typeof options>;

const KINDS = ['failed', 'silent', 'opened'] as const;
type Kind = (typeof KINDS)[number];

/** Targets of one kind. */
interface Counter {
  /** 256 bits: the targets of the minute. */
  bits: number[];
  /** Targets of the minute that no row names. */
  folded: number;
  /** Greatest count since `State.learned`, and whether one alarmed. */
  greatest: number;
  alarmed: boolean;
  usual: Usual;
}

interface State {
  /** Time watched, ms. */
  watched: number;
  /** Number of the minute that is counted. */
  minute: number;
  /** When counts were learned last, epoch ms. */
  learned: number;
  counters: Record<Kind, Counter>;
}

/** Targets of one frame: those that rows name, and at least how many others. */
interface Seen {
  readonly named: ReadonlySet<string>;
  readonly folded: number;
}

const NOBODY: Seen = { named: new Set(), folded: 0 };

/** How the targets of one kind compare with what is usual. */
interface Result {
  readonly kind: Kind;
  readonly ratio: number;
  readonly count: number;
  readonly limit: number;
  readonly seen: Seen;
}

const WORDS = 8;
const BITS = WORDS * 32;
/** So many times what is usual is news. */
const FACTOR = 3;
const COLD_FACTOR = 5;
/** Counts are learned so much later: what grows must not make room for itself. */
const LEARN_MS = 600_000;

function step(state: State, input: ContainerInput, o: Options): { state: State; opinion: Opinion } {
  const { start, durationMs } = input;
  const cold = state.watched < o.warm_up;
  state.watched += durationMs;
  turn(state, start);
  let worst: Result = { kind: 'failed', ratio: 0, count: 0, limit: o.failed, seen: NOBODY };
  for (const kind of KINDS) {
    const counter = state.counters[kind];
    const seen = kind === 'silent' ? unanswered(input) : connected(input, kind);
    for (const target of seen.named) set(counter.bits, hashNumber(target) % BITS);
    counter.folded += seen.folded;
    const inFrame = seen.named.size + seen.folded;
    const count = Math.max(inFrame, Math.round(distinct(counter.bits)) + counter.folded);
    if (count === 0) continue;
    const floor = o[kind] * (cold ? COLD_FACTOR : 1);
    const limit = Math.ceil(limitOf(counter.usual, floor, FACTOR));
    const ratio = count / limit;
    // Only what happens now: the frames after a burst say nothing of their own.
    const now = inFrame > 0 ? ratio : Math.min(ratio, 0.99);
    counter.greatest = Math.max(counter.greatest, count);
    counter.alarmed ||= ratio >= 1;
    if (now > worst.ratio) worst = { kind, ratio: now, count, limit, seen };
  }
  if (cold && worst.ratio < 1)
    return {
      state,
      opinion: { abstain: 'warming up', until: start + o.warm_up - state.watched + durationMs },
    };
  return { state, opinion: { score: graded(worst.ratio), evidence: evidenceOf(worst) } };
}

/** Minutes end by the clock, and so do the times after which counts are learned. */
function turn(state: State, start: number): void {
  const minute = Math.floor(start / 60_000);
  if (minute !== state.minute) for (const kind of KINDS) clear(state.counters[kind]);
  state.minute = minute;
  if (start - state.learned < LEARN_MS) return;
  for (const kind of KINDS) learn(state.counters[kind], start);
  state.learned = start;
}

/** Targets of connections of a kind. What is folded has the lowest counts: it is so many targets at least. */
function connected({ connections }: ContainerInput, kind: ConnectionKind): Seen {
  if (connections.length === 0) return NOBODY;
  const named = new Set<string>();
  let least = Number.POSITIVE_INFINITY;
  let rest = 0;
  for (const row of connections) {
    if (row.kind !== kind) continue;
    if (row.peer === '') rest += row.count;
    else {
      named.add(targetOf(row.peer, row.port));
      least = Math.min(least, row.count);
    }
  }
  return { named, folded: Number.isFinite(least) ? Math.floor(rest / least) : Math.min(rest, 1) };
}

/** Peers on UDP that were sent something and said nothing; folded rows as above. */
function unanswered({ flows }: ContainerInput): Seen {
  if (flows.length === 0) return NOBODY;
  const named = new Set<string>();
  let least = Number.POSITIVE_INFINITY;
  let rest = 0;
  for (const flow of flows) {
    const { protocol, role, peerKind, port, address, sentMessages, receivedMessages } = flow;
    if (protocol !== 'udp' || role !== 'client' || receivedMessages > 0 || sentMessages === 0) continue;
    if (peerKind === 'unknown') continue;
    if (peerKind === 'other' || port === 0) rest += sentMessages;
    else {
      named.add(targetOf(address, port));
      least = Math.min(least, sentMessages);
    }
  }
  return { named, folded: Number.isFinite(least) ? Math.floor(rest / least) : 0 };
}

const targetOf = (address: string, port: number): string => JSON.stringify([address, port]);

function clear(counter: Counter): void {
  counter.bits.fill(0);
  counter.folded = 0;
}

function learn(counter: Counter, now: number): void {
  note(counter.usual, counter.greatest, now, counter.alarmed);
  counter.greatest = 0;
  counter.alarmed = false;
}

function set(bits: number[], index: number): void {
  const word = index >>> 5;
  bits[word] = ((bits[word] ?? 0) | (1 << (index & 31))) >>> 0;
}

/** Estimate of how many different things have set these bits: -m ln(share of zeros). */
function distinct(bits: readonly number[]): number {
  let any = 0;
  for (const word of bits) any |= word;
  if (any === 0) return 0;
  let zeros = 0;
  for (const word of bits) for (let bit = 0; bit < 32; bit++) if (((word >>> bit) & 1) === 0) zeros++;
  return -BITS * Math.log(Math.max(zeros, 0.5) / BITS);
}

const DEEDS: Readonly<Record<Kind, string>> = {
  failed: 'that could not be connected to',
  silent: 'that did not answer on UDP',
  opened: 'that were connected to',
};

function evidenceOf({ kind, count, limit, seen: { named } }: Result): Evidence {
  const [example] = named;
  const [address, port] = example === undefined ? [] : (JSON.parse(example) as [string, number]);
  const among = address === undefined ? '' : `, among them ${printable(address, 45) || 'port'} ${port}`;
  const text = `${formatCounted(count, 'target')} within a minute ${DEEDS[kind]}${among}, expected fewer than ${limit}`;
  return { seen: count, low: null, high: limit, unit: 'targets', overMs: 60_000, text };
}

const counter = (): Counter => ({
  bits: Array.from({ length: WORDS }, () => 0),
  folded: 0,
  greatest: 0,
  alarmed: false,
  usual: nothingUsual(),
});

const refused = (peer: string, port: number) => ({ kind: 'failed' as const, peer, port, count: 1 });
const ports = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => refused('172.18.0.3', from + i));

export const scan: Detector<'container', Options, State> = {
  name: 'scan',
  summary: 'Looks for what can be reached: very many different targets within a minute.',
  scope: 'container',
  input: 'flows',
  options,
  series: () => [],
  examples: [
    {
      title: 'Ports are tried one after the other',
      options: { warm_up: '10s' },
      inputs: exampleInputs([[], [], [], [], ports(1, 11), ports(11, 31), ports(31, 81)]),
      alarms: [5, 6],
    },
    {
      title: 'A database that is down is one target, however often it is tried',
      options: { warm_up: '10s' },
      inputs: exampleInputs([[], [], [], [{ ...refused('172.18.0.3', 5432), count: 900 }]]),
      alarms: [],
    },
    {
      title: 'Hundreds of ports at once alarm from the first frame on',
      options: {},
      inputs: exampleInputs([[], [...ports(1, 65), { kind: 'failed', peer: '', port: 0, count: 436 }], []]),
      alarms: [1],
    },
  ],
  stateBytes: () => 100 + KINDS.length * (100 + WORDS * 11 + USUAL_BYTES),
  init: () => ({
    watched: 0,
    minute: 0,
    learned: 0,
    counters: { failed: counter(), silent: counter(), opened: counter() },
  }),
  step,
};
