import { z } from 'zod';
import { duration } from '../core/config/options.ts';
import { formatDuration, formatLength } from '../core/config/units.ts';
import { printable } from '../core/errors.ts';
import type { Evidence } from '../core/incident/verdict.ts';
import { exitText } from '../core/traffic/exit.ts';
import { type Exit, isNameless, shortId } from '../core/traffic/frame.ts';
import type { ContainerInput, Detector, GroupInput, Opinion } from './contract.ts';
import { DEPARTURES_BYTES, type Departures, leave, leavesThen } from './shared/departures.ts';
import { inputOf } from './shared/example-inputs.ts';
import { type Place, placeOf } from './shared/family.ts';
import { MAX_SCORE } from './shared/for-duration.ts';
import {
  happens,
  newsFrom,
  nothingRecurs,
  RECURRING_BYTES,
  type Recurring,
  settle,
} from './shared/recurring.ts';

const options = z.strictObject({
  after: duration({ min: '1s', max: '24h' })
    .prefault('45s')
    .describe('How long one may be gone before it alarms: longer than a deploy or a restart takes.'),
  learn: duration({ min: '1m', max: '7d' })
    .prefault('15m')
    .describe('Who was there when watching began, and has been for so long, is always there.'),
  prove: duration({ min: '1m', max: '7d' })
    .prefault('6h')
    .describe('The same for one that was started later: longer than jobs last.'),
  relearn: duration({ min: '1m', max: '30d' })
    .prefault('1h')
    .describe('Who is gone for so long is not expected any more.'),
});

type Options = z.output<typeof options>;

/** Someone of the service. Plain JSON. */
interface Member extends Place {
  /** Replica and container, cut to 64 characters. */
  replica: string;
  name: string;
  /** The beginning of the container's id. */
  id: string;
  /** Start of the first frame it was in, epoch ms. */
  first: number;
  /** It was started while somebody watched. */
  born: boolean;
  /** How long it was there, and how long it has been gone, ms. */
  watched: number;
  goneMs: number;
  /** When it was last there, epoch ms. */
  seen: number;
  /** How it ended, as Docker says. */
  exit: Pick<Exit, 'code' | 'oom'> | null;
}

interface State {
  end: number | null;
  watched: number;
  /** Nobody is missed for so much longer, ms. */
  grace: number;
  members: Member[];
  /** Absences that ended: who was away came back. */
  recurring: Recurring;
  /** Of those who were missed, and did not come back in time. */
  left: Departures;
}

/** Replicas that are remembered at most: the first that were seen, and who takes their place. */
const MOST = 32;
/** Nobody saw what happened in a hole of this length; after it, those that were there have so long to come back. */
const HOLE_MS = 30_000;
const GRACE_MS = 300_000;
/** One that was started so shortly before another ended takes its place: a deploy starts the new one first. */
const SUCCESSION_MS = 600_000;
/** Exit codes of one that was told to end: by itself, by SIGINT, SIGKILL and SIGTERM. */
const ORDERLY = [0, 130, 137, 143];

function step(state: State, input: GroupInput, o: Options): { state: State; opinion: Opinion } {
  const { start, durationMs } = input;
  const now = start + durationMs;
  if (state.end !== null && Math.abs(start - state.end) > HOLE_MS) {
    state.grace = GRACE_MS;
    for (const member of state.members) member.goneMs = 0;
  }
  state.end = now;
  state.watched += durationMs;
  state.grace = Math.max(0, state.grace - durationMs);
  settle(state.recurring, now);
  for (const member of input.members) if (isNamed(member)) take(state, member, input, o);
  if (state.members.some(member => member.seen !== now))
    state.members = state.members.filter(
      member => member.seen === now || stillMissed(state, member, input, o),
    );
  if (state.watched < o.learn)
    return { state, opinion: { abstain: 'warming up', until: now + o.learn - state.watched } };
  const lost = state.members.filter(
    member => isMissed(member, state.members, o) && !leavesThen(state.left, member.seen),
  );
  const [longest] = lost.sort((a, b) => b.goneMs - a.goneMs);
  if (!longest) return { state, opinion: { abstain: 'no value' } };
  const limitMs = Math.max(o.after, 1000 * newsFrom(state.recurring, now));
  const score = Math.min(longest.goneMs / limitMs, MAX_SCORE);
  const about = lost.length === 1 ? { container: longest.name } : {};
  return { state, opinion: { score, evidence: evidenceOf(longest, lost, limitMs), ...about } };
}

/** One that has a name of its own: of others nobody knows who comes after them, or their names come later. */
const isNamed = ({ container }: ContainerInput): boolean =>
  container.kind === 'container' && !isNameless(container);

const short = (name: string): string => name.slice(0, 64);

/** Take note of one that is there. */
function take(
  state: State,
  { container, startedAt, start, durationMs }: ContainerInput,
  { exits }: GroupInput,
  o: Options,
): void {
  const replica = short(container.replica);
  const known = state.members.find(member => member.replica === replica);
  if (known) {
    if (known.goneMs >= o.after) happens(state.recurring, known.goneMs / 1000, start);
    known.name = short(container.name);
    known.id = shortId(container.id);
    known.goneMs = 0;
    // A frame has who ended in it, and tells how.
    known.exit = exitOf(known, exits);
    known.watched += durationMs;
    known.seen = start + durationMs;
    return;
  }
  const place = placeOf({ replica });
  if (state.members.length >= MOST && !makeRoom(state.members, place, startedAt)) return;
  state.members.push({
    ...place,
    replica,
    name: short(container.name),
    id: shortId(container.id),
    first: start,
    born: startedAt !== null,
    watched: durationMs,
    goneMs: 0,
    seen: start + durationMs,
    exit: null,
  });
}

/** Forget one whose place a new one takes, which was started at `startedAt`; false: there is none. */
function makeRoom(members: Member[], { family }: Place, startedAt: number | null): boolean {
  const left = members.findIndex(
    one =>
      one.family === family && one.goneMs > 0 && startedAt !== null && startedAt > one.seen - SUCCESSION_MS,
  );
  if (left < 0) return false;
  members.splice(left, 1);
  return true;
}

function exitOf({ name }: Member, exits: readonly Exit[]): Member['exit'] {
  const exit = exits.find(one => short(one.container) === name);
  return exit ? { code: exit.code, oom: exit.oom } : null;
}

/** One more frame without it. False: it is not expected any more. */
function stillMissed(
  state: State,
  member: Member,
  { durationMs, exits, nameless, start }: GroupInput,
  o: Options,
): boolean {
  if (nameless.some(({ id }) => shortId(id) === member.id)) {
    member.seen = start + durationMs;
    member.goneMs = 0;
    return true;
  }
  member.exit = exitOf(member, exits) ?? member.exit;
  if (state.grace > 0) return true;
  member.goneMs += durationMs;
  if (!isSettled(member, o)) return member.goneMs < o.after;
  if (member.goneMs < o.relearn) return true;
  if (isMissed(member, state.members, o)) state.left = leave(state.left, member.seen);
  return false;
}

const isSettled = ({ born, watched }: Member, o: Options): boolean => watched >= (born ? o.prove : o.learn);

/**
 * Nobody has taken its place, and it was not the one that scaling down takes: that takes the last of several, and what
 * it takes ends in order.
 */
function isMissed(member: Member, members: readonly Member[], o: Options): boolean {
  if (member.goneMs === 0 || !isSettled(member, o)) return false;
  const others = members.filter(one => one !== member && one.family === member.family);
  const there = others.filter(one => one.goneMs === 0);
  if (there.length === 0) return true;
  const missing = 1 + others.filter(one => one.goneMs > 0 && isSettled(one, o)).length;
  const successors = there.filter(one => one.born && one.first > member.seen - SUCCESSION_MS);
  if (successors.length >= missing) return false;
  const { exit, number } = member;
  if (exit !== null && (exit.oom || !ORDERLY.includes(exit.code))) return true;
  return number !== null && there.some(one => (one.number ?? 0) > number);
}

function evidenceOf(longest: Member, lost: readonly Member[], limitMs: number): Evidence {
  const { goneMs, watched, exit } = longest;
  const why = exit === null ? '' : `: ${exitText(exit)}`;
  const others =
    lost.length > 1 ? ` (${lost.length} of its service, among them ${printable(longest.name, 60)})` : '';
  const text =
    `gone for ${formatLength(goneMs)}${others}${why}, after ${formatLength(watched)} of being there, and nobody took its place; ` +
    `expected to be back within ${formatDuration(Math.round(limitMs))}`;
  return { seen: goneMs / 1000, low: null, high: limitMs / 1000, unit: 's', overMs: goneMs, text };
}

/** Inputs of an example: consecutive frames of 5 s; each is the replicas of Compose that are there. */
const frames = (rows: readonly (readonly number[])[]): GroupInput[] =>
  rows.map((replicas, i) => {
    const moment = { start: i * 5000, durationMs: 5000 };
    const members = replicas.map(replica => {
      const name = `shop-web-${replica}`;
      const kind = 'container' as const;
      const container = { name, kind, service: 'shop/web', replica: `${replica}`, image: 'web:1', id: name };
      return inputOf(container, moment, { send: undefined, receive: undefined });
    });
    return { ...moment, members, exits: [], nameless: [] };
  });

const times = (n: number, replicas: readonly number[]): (readonly number[])[] => Array(n).fill(replicas);

export const gone: Detector<'service', Options, State> = {
  name: 'gone',
  summary: 'One that was always there is gone, and nobody takes its place.',
  scope: 'service',
  input: 'traffic',
  options,
  series: () => [],
  whenEmpty: state => state.members.length > 0,
  examples: [
    {
      title: 'The only container of a service is stopped: it alarms after 45 s, until it is back',
      options: { learn: '1m' },
      inputs: frames([...times(14, [1]), ...times(11, []), ...times(2, [1])]),
      alarms: [22, 23, 24],
    },
    {
      title: 'A restart, or a new container in its place within that time, is nothing',
      options: { learn: '1m' },
      inputs: frames([...times(14, [1]), ...times(6, []), ...times(14, [1])]),
      alarms: [],
    },
    {
      title: 'Scaling down takes the last one: nobody misses it',
      options: { learn: '1m' },
      inputs: frames([...times(14, [1, 2, 3]), ...times(14, [1, 2])]),
      alarms: [],
    },
    {
      title: 'The first one of three is gone: that is no scaling down',
      options: { learn: '1m' },
      inputs: frames([...times(14, [1, 2, 3]), ...times(10, [2, 3])]),
      alarms: [22, 23],
    },
  ],
  stateBytes: () => 160 + MOST * (3 * 64 * 2 + 230) + RECURRING_BYTES + DEPARTURES_BYTES,
  init: () => ({ end: null, watched: 0, grace: 0, members: [], recurring: nothingRecurs(), left: [] }),
  step,
};
