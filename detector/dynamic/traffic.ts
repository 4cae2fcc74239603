import type { Window } from '../../core/traffic/frame.ts';
import type { ContainerInput } from '../contract.ts';
import {
  addSizes,
  type BySize,
  bySizeBytes,
  endMinute,
  endPart,
  forgetGrowing,
  newBySize,
} from './by-size.ts';
import {
  addWindow,
  compareShape,
  type Moved,
  newShape,
  type Shape,
  shapeBytes,
  weightedSize,
} from './shape.ts';

/**
 * What views look at: sums over the last 5 seconds, minute and minutes before, whatever the length of frames. Shorter
 * frames are collected until they make 5 seconds, longer ones are spread over as many.
 */

export const PART_MS = 5000;
/** Parts of a minute, minutes that are summed, and those that rest and the base are looked for in. */
const PARTS = 12;
const MINUTES = 5;
export const REST_MINUTES = 10;
export const BASE_MINUTES = 10;
/** A hole of this length ends all sums: nobody saw what happened in it. */
const HOLE_MS = 30_000;
/**
 * After a start nothing is judged or learnt for so long, but where the container before it lived less: one-shot jobs with
 * ever new names would never be heard.
 */
const START_MS = 120_000;
/** The same after a silence of one that is hardly ever silent: it was restarted, or what it waited for was. */
const RESUME_MS = 90_000;
const RESUME_AFTER_MS = 10_000;
/** Time over which pauses are counted, and the share of it that is next to none. */
const PAUSES_MS = 7_200_000;
const FEW_PAUSES = 0.01;
/** Minutes that the usual bytes are the mean of. */
const GIVEN_MINUTES = 120;
/** More messages of half a minute are so many: the state is bounded. */
const MOST = 1e9;
/** Messages above the fewest that are hardly more. */
const TRICKLE = 3;
/** What messages are taken for before the first was seen: large ones, so that they are no news. */
const FIRST_LOG_SIZE = Math.log(16 * 1024);

/** Quantities, in this order everywhere: messages sent, messages received, bytes sent. */
const QUANTITIES = 3;

/** What base.ts looks at. */
interface Base {
  /** Messages sent and received in the quieter half of each of the last minutes, oldest first. */
  halves: number[];
  /** Mean of its values, of how many at most; how far the newest is beyond that. */
  usual: number;
  known: number;
  beyond: number;
}

/** Plain JSON. */
export interface Traffic {
  /** Container id, end of the last frame (epoch ms; null: none yet), time watched (ms). */
  id: string;
  end: number | null;
  watched: number;
  /** How long the container of this id has been there, ms, up to the time that a start takes. */
  lived: number;
  /** Nothing is judged or learnt for so much longer, ms. */
  mute: number;
  /** What has been collected for the next part, and for how long. */
  open: number[];
  openMs: number;
  /** The last parts and the last whole minutes of each quantity, oldest first; parts since the last whole minute. */
  parts: number[][];
  minutes: number[][];
  inMinute: number;
  /** The fewest messages that a part has sent lately; it rises by one an hour. Infinite is null: not known yet. */
  rest: number | null;
  /** Fewest messages sent by a part of the growing minute. */
  least: number | null;
  /** Parts of each of the last minutes that sent no more than that, and that sent hardly more; of the growing one. */
  resting: number[];
  trickling: number[];
  restingNow: number;
  tricklingNow: number;
  /** Mean of messages received in a minute, of late. */
  asked: number;
  /** Mean logarithm of the bytes sent in a minute, of late. */
  given: number;
  /** Share of the time in which nothing is, of late. */
  pauses: number;
  /** How long nothing has been sent or received, ms. */
  silent: number;
  /** Mean of the logarithm of sizes sent, weighted by size, and its mean deviation; of how many windows. */
  logSize: number;
  logSpread: number;
  sized: number;
  shapes: Shape[];
  bySize: BySize;
  base: Base;
}

/** Upper bound of its JSON in bytes: numbers of at most 17 characters. */
export const trafficBytes =
  735 +
  QUANTITIES * (PARTS + MINUTES) * 18 +
  2 * REST_MINUTES * 4 +
  2 * shapeBytes +
  bySizeBytes +
  70 +
  BASE_MINUTES * 11;

export const newTraffic = (): Traffic => ({
  id: '',
  end: null,
  watched: 0,
  lived: 0,
  mute: START_MS,
  open: [0, 0, 0],
  openMs: 0,
  parts: [[], [], []],
  minutes: [[], [], []],
  inMinute: 0,
  rest: null,
  least: null,
  resting: [],
  trickling: [],
  restingNow: 0,
  tricklingNow: 0,
  asked: 0,
  given: 0,
  pauses: 0,
  silent: 0,
  logSize: FIRST_LOG_SIZE,
  logSpread: 0,
  sized: 0,
  shapes: [newShape(), newShape()],
  bySize: newBySize(),
  base: { halves: [], usual: 0, known: 0, beyond: 0 },
});

/** Bytes of `messages` messages sent, of the size that most bytes are in, where sizes vary of large ones. */
export const messagePadding = (t: Traffic, messages: number): number =>
  messages * Math.exp(t.logSize + t.logSpread);

/** Messages of which bytes make little difference. */
const FEW = 4;

/** Natural logarithm of the bytes sent in a minute, which few make no difference to. */
export const logBytes = (t: Traffic, bytes: number): number => Math.log(bytes + messagePadding(t, FEW));

/** What came of a frame: a part to judge, at the end of a minute or not. */
export interface Part {
  /** The quantities of the last 5 seconds. */
  readonly now: readonly number[];
  /** Sums of the last minute; null: not known yet. */
  readonly minute: readonly number[] | null;
  /** Sums of the last five whole minutes, at the end of a minute; null: not known. */
  readonly minutes: readonly number[] | null;
  readonly isMinute: boolean;
  /**
   * How far messages of one size are beyond the most there were: of the last 5 seconds, and at the end of a minute of that
   * and of about ten; how much less they rest than they ever did. In the order of by-size.ts; null or absent: not now.
   */
  readonly bySize: readonly (number | null)[];
  /** How far sizes moved, at the end of a minute, by direction; null or absent: not known, or not now. */
  readonly moved: readonly (Moved | null)[];
}

/** Take a frame in; null: nothing to judge yet. */
export function take(t: Traffic, input: ContainerInput): Part | null {
  const { start, durationMs } = input;
  const id = input.container.id.slice(0, 64);
  if (t.id !== id) {
    if (t.id !== '') restart(t, t.lived < START_MS ? Math.max(0, t.mute) : START_MS);
    t.id = id;
    t.lived = 0;
  }
  t.lived = Math.min(START_MS, t.lived + durationMs);
  if (t.end !== null && Math.abs(start - t.end) > HOLE_MS) forgetSums(t);
  t.end = start + durationMs;
  const silent = !input.send && !input.receive;
  if (!silent && t.silent >= RESUME_AFTER_MS && isTalkative(t)) restart(t, RESUME_MS);
  t.silent = silent ? t.silent + durationMs : 0;
  t.pauses += ((silent ? 1 : 0) - t.pauses) * Math.min(1, durationMs / PAUSES_MS);
  if (t.mute > 0) {
    t.mute -= durationMs;
    return null;
  }
  t.watched += durationMs;
  collect(t, input.send, 0);
  collect(t, input.receive, 1);
  t.openMs += durationMs;
  if (t.openMs < 0.9 * PART_MS) return null;
  return closePart(t);
}

function restart(t: Traffic, mute: number): void {
  forgetSums(t);
  // The pause before a start is no rest.
  t.rest = null;
  t.mute = mute;
}

/**
 * Hardly ever silent, but for the silence that is just over: five messages in each part of the minute before it on average,
 * and next to no pauses in the last hours, as one has whose work comes and goes.
 */
function isTalkative(t: Traffic): boolean {
  const minute = (i: number) => t.minutes[i]?.at(-2) ?? 0;
  return minute(0) + minute(1) >= 5 * PARTS && t.pauses - t.silent / PAUSES_MS < FEW_PAUSES;
}

function forgetSums(t: Traffic): void {
  t.open = [0, 0, 0];
  t.openMs = 0;
  t.parts = [[], [], []];
  t.minutes = [[], [], []];
  t.inMinute = 0;
  t.least = null;
  t.resting = [];
  t.trickling = [];
  t.restingNow = 0;
  t.tricklingNow = 0;
  t.silent = 0;
  for (const shape of t.shapes) shape.moved = [];
  forgetGrowing(t.bySize);
  t.base.halves = [];
}

function collect(t: Traffic, window: Window | undefined, direction: 0 | 1): void {
  if (!window) return;
  t.open[direction] = (t.open[direction] ?? 0) + window.messages;
  const shape = t.shapes[direction];
  if (shape) addWindow(shape, window.sizes);
  addSizes(t.bySize, window.sizes, direction);
  if (direction === 1) return;
  t.open[2] = (t.open[2] ?? 0) + window.bytes;
  t.sized = Math.min(t.sized + 1, 10_000);
  const moved = weightedSize(window.sizes) - t.logSize;
  t.logSize += moved / t.sized;
  if (t.sized > 1) t.logSpread += (Math.abs(moved) - t.logSpread) / (t.sized - 1);
}

function closePart(t: Traffic): Part {
  const count = Math.min(Math.max(1, Math.round(t.openMs / PART_MS)), PARTS * REST_MINUTES);
  // Thousandths are enough, and keep the state small.
  const now = count === 1 ? t.open : t.open.map(x => Math.round((1000 * x) / count) / 1000);
  t.open = [0, 0, 0];
  t.openMs = 0;
  const part = endPart(t.bySize, count);
  let isMinute = false;
  for (let i = 0; i < count; i++) isMinute = pushPart(t, now) || isMinute;
  const bySize = isMinute ? [part, ...endMinute(t.bySize)] : [part];
  const moved = isMinute ? t.shapes.map(compareShape) : NONE;
  const whole = (t.parts[0]?.length ?? 0) === PARTS;
  const [a = [], b = [], c = []] = t.parts;
  const minute = whole ? [sum(a), sum(b), sum(c)] : null;
  const known = isMinute && (t.minutes[0]?.length ?? 0) === MINUTES;
  const minutes = known ? t.minutes.map(sum) : null;
  return { now, minute, minutes, isMinute, bySize, moved };
}

const NONE: readonly never[] = [];

/** True at the end of a minute. */
function pushPart(t: Traffic, now: readonly number[]): boolean {
  for (let i = 0; i < QUANTITIES; i++) {
    keep(t.parts[i] ?? [], now[i] ?? 0, PARTS);
  }
  const sent = now[0] ?? 0;
  const rest = Math.floor(t.rest ?? 0);
  t.least = t.least === null ? sent : Math.min(t.least, sent);
  if (sent <= rest) t.restingNow++;
  if (sent <= rest + TRICKLE) t.tricklingNow++;
  t.inMinute++;
  if (t.inMinute < PARTS) return false;
  t.inMinute = 0;
  for (let i = 0; i < QUANTITIES; i++) {
    keep(t.minutes[i] ?? [], sum(t.parts[i] ?? []), MINUTES);
  }
  const known = Math.min(t.bySize.minutes + 1, GIVEN_MINUTES);
  const given = logBytes(t, t.minutes[2]?.at(-1) ?? 0);
  t.given = Math.round(1e3 * (t.given + (given - t.given) / known)) / 1e3;
  const [sentParts = [], receivedParts = []] = t.parts;
  const sorted = sentParts.map((n, i) => n + (receivedParts[i] ?? 0)).sort((a, b) => a - b);
  const { halves } = t.base;
  keep(halves, Math.min(MOST, Math.round(sum(sorted.slice(0, PARTS / 2)))), BASE_MINUTES);
  t.rest = t.rest === null ? t.least : Math.min(t.least, t.rest + 1 / 60);
  t.least = null;
  keep(t.resting, t.restingNow, REST_MINUTES);
  keep(t.trickling, t.tricklingNow, REST_MINUTES);
  t.restingNow = 0;
  t.tricklingNow = 0;
  return true;
}

/** Adds a value; of more than `most` the oldest goes. Such short lists are moved faster by hand than by `shift`. */
function keep(list: number[], value: number, most: number): void {
  if (list.length < most) {
    list.push(value);
    return;
  }
  for (let i = 1; i < most; i++) list[i - 1] = list[i] ?? 0;
  list[most - 1] = value;
}

export function sum(list: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < list.length; i++) total += list[i] ?? 0;
  return total;
}
