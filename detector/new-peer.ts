import { z } from 'zod';
import { duration, size } from '../core/config/options.ts';
import { formatDuration, formatSize } from '../core/config/units.ts';
import type { Evidence } from '../core/incident/verdict.ts';
import type { Flow } from '../core/traffic/flow.ts';
import type { ContainerInput, Detector, Opinion } from './contract.ts';
import { exampleInputs } from './example-inputs.ts';
import { hash, type Known, knownBytes, type Peer, peerOf, remember } from './peers.ts';
import { graded } from './score.ts';
import { limitOf, note, nothingUsual, USUAL_BYTES, type Usual } from './usual.ts';

/**
 * Somebody is talked to for the first time. How surprising that is follows from how seldom it happens: after n strangers
 * in a time T the next is expected after T / (n + 1) (Laplace's rule of succession). What is sent to somebody new is
 * judged besides, and is enough by itself.
 */

const options = z.strictObject({
  learn: duration({ min: '1m', max: '30d' })
    .prefault('1d')
    .describe(
      'Strangers that come more often than this are no news. An ordinary one, such as another service of the host, has to come ten times more seldom.',
    ),
  warm_up: duration({ max: '7d' })
    .prefault('10m')
    .describe(
      'Time to learn before volume is judged; also after each start of the container, for who is talked to.',
    ),
  volume: size({ min: '1KiB' })
    .prefault('8MiB')
    .describe(
      'Sent to a stranger within 10 minutes: from this on it alarms, unless half as much was sent in as much time before.',
    ),
});

type Options = z.output<typeof options>;

/** Somebody new, while what is sent to him is counted. */
interface Stranger {
  readonly id: string;
  readonly since: number;
  sent: number;
}

interface State {
  /** Time watched, ms. */
  watched: number;
  /** Strangers since the learning time. */
  strangers: number;
  known: Known;
  fresh: Stranger[];
  /** Bytes sent as a client within 10 minutes; how many since `from`, and whether that alarmed. */
  usual: Usual;
  sent: number;
  from: number;
  alarmed: boolean;
}

const FOLLOW_MS = 600_000;
const LIMITS = { known: 48, fresh: 6 };
/** Ports that many programs use sooner or later: names, time, the web. */
const COMMON: ReadonlySet<number> = new Set([53, 80, 123, 443]);
/** Twice what was ever sent in as much time is news, if it is sent to somebody new. */
const FACTOR = 2;
/** How much more seldom an ordinary stranger has to be. */
const ORDINARY = 10;
/** A stranger who is sent little is never worse than this many times his limit. */
const MOST_RARE = 2;

/** What is said of one peer: how far beyond its limit. */
interface Finding {
  readonly ratio: number;
  readonly evidence: Evidence;
}

function step(state: State, input: ContainerInput, o: Options): { state: State; opinion: Opinion } {
  const { start, durationMs } = input;
  const warm = state.watched >= o.warm_up;
  state.fresh = state.fresh.filter(({ since }) => start - since < FOLLOW_MS);
  turnPeriod(state, start);
  const findings: Finding[] = [];
  for (const flow of input.flows) {
    const peer = talksTo(flow) ? peerOf(flow, input.neighbours) : null;
    if (peer !== null) findings.push(...meet(state, peer, flow, input, o, warm));
  }
  state.watched += durationMs;
  if (!warm) {
    const until = start + o.warm_up - state.watched + durationMs;
    return { state, opinion: { abstain: 'warming up', until } };
  }
  const worst = findings.reduce((a, b) => (b.ratio > a.ratio ? b : a), nothingNew(state));
  state.alarmed ||= worst.ratio >= 1;
  return { state, opinion: { score: graded(worst.ratio), evidence: worst.evidence } };
}

const talksTo = (flow: Flow): boolean => flow.connections + flow.sentMessages + flow.receivedMessages > 0;

/** A peer is talked to: what is to be said of that. Changes `state` in place. */
function meet(
  state: State,
  peer: Peer,
  flow: Flow,
  input: ContainerInput,
  o: Options,
  warm: boolean,
): Finding[] {
  const { start } = input;
  const findings: Finding[] = [];
  if (state.known[peer.id] === undefined) {
    follow(state, peer.id, start);
    const young = input.startedAt !== null && start - input.startedAt < o.warm_up;
    if (warm && !young) {
      findings.push(rarity(state, peer, o));
      if (state.watched >= o.learn) state.strangers++;
    }
  }
  remember(state.known, peer.id, start, LIMITS.known);
  // A known class of addresses may have a new address in it.
  const address = peer.kind === 'outside' ? hash(JSON.stringify([flow.address, peer.port])) : null;
  if (address !== null && flow.address !== '') {
    if (state.known[address] === undefined) follow(state, address, start);
    remember(state.known, address, start, LIMITS.known);
  }
  const stranger =
    state.fresh.find(({ id }) => id === peer.id) ?? state.fresh.find(({ id }) => id === address);
  state.sent += flow.sentBytes;
  if (!stranger) return findings;
  stranger.sent += flow.sentBytes;
  findings.push(volume(state, stranger, peer, flow, start, o));
  return findings;
}

function follow(state: State, id: string, since: number): void {
  if (state.fresh.length >= LIMITS.fresh) state.fresh.splice(quietest(state.fresh), 1);
  state.fresh.push({ id, since, sent: 0 });
}

const quietest = (fresh: readonly Stranger[]): number =>
  fresh.reduce((least, { sent }, i) => (sent < (fresh[least]?.sent ?? 0) ? i : least), 0);

/** Every 10 minutes what was sent in them is learned. */
function turnPeriod(state: State, start: number): void {
  if (start - state.from < FOLLOW_MS) return;
  if (state.from > 0) note(state.usual, state.sent, start, state.alarmed);
  state.sent = 0;
  state.from = start;
  state.alarmed = false;
}

function rarity(state: State, { kind, port, label }: Peer, o: Options): Finding {
  const common = kind !== 'outside' || COMMON.has(port);
  const each = state.watched / (state.strangers + 1);
  const ratio = Math.min(each / (o.learn * (common ? ORDINARY : 1)), MOST_RARE);
  const seldom = state.strangers === 0 ? 'nobody new' : `${state.strangers} new`;
  const text = `talks to ${label} for the first time; ${seldom} in the ${formatDuration(roundMinutes(state.watched))} before`;
  return { ratio, evidence: { seen: 1, low: null, high: 0, unit: 'new peers', text } };
}

function volume(
  state: State,
  { sent, since }: Stranger,
  { label }: Peer,
  flow: Flow,
  start: number,
  o: Options,
): Finding {
  const high = limitOf(state.usual, o.volume, FACTOR);
  const where = flow.address === '' ? '' : ` (${flow.address})`;
  const ago = start === since ? 'new now' : `new ${formatDuration(start - since)} ago`;
  const text = `sent ${formatSize(sent)} to ${label}${where}, ${ago}, expected up to ${formatSize(high)}`;
  return { ratio: sent / high, evidence: { seen: sent, low: null, high, unit: 'B', text } };
}

function nothingNew(state: State): Finding {
  const text = `talks to nobody new; ${Object.keys(state.known).length} known`;
  return { ratio: 0, evidence: { seen: 0, low: null, high: 0, unit: 'new peers', text } };
}

const roundMinutes = (ms: number): number => Math.round(ms / 60_000) * 60_000;

const flowTo = (peerKind: Flow['peerKind'], peer: string, port: number, sentBytes: number) => ({
  peerKind,
  peer,
  port,
  sentMessages: 1,
  sentBytes,
  connections: 1,
});
const daily = flowTo('container', 'db', 5432, 2000);

export const newPeer: Detector<'container', Options, State> = {
  name: 'new-peer',
  summary: 'Talks to somebody for the first time, or sends much to somebody new.',
  scope: 'container',
  input: 'flows',
  options,
  series: () => [],
  examples: [
    {
      title: '20 MiB to an outside address that nobody has talked to before',
      options: { warm_up: '10s' },
      inputs: exampleInputs([
        [daily],
        [daily],
        [daily],
        [daily, flowTo('outside', '', 443, 4 * 1024 ** 2)],
        [daily, flowTo('outside', '', 443, 16 * 1024 ** 2)],
        [daily],
      ]),
      alarms: [4],
    },
    {
      title: 'An odd port outside after a quiet time alarms once, another service of the host does not',
      options: { learn: '1m', warm_up: '10s' },
      inputs: exampleInputs([
        ...Array.from({ length: 14 }, () => [daily]),
        [daily, flowTo('container', 'cache', 6379, 100)],
        ...Array.from({ length: 14 }, () => [daily]),
        [daily, flowTo('outside', '', 4444, 100)],
        [daily, flowTo('outside', '', 4444, 100)],
      ]),
      alarms: [29],
    },
  ],
  stateBytes: () => 200 + USUAL_BYTES + knownBytes(LIMITS.known) + LIMITS.fresh * 70,
  init: () => ({
    watched: 0,
    strangers: 0,
    known: {},
    fresh: [],
    usual: nothingUsual(),
    sent: 0,
    from: 0,
    alarmed: false,
  }),
  step,
};
