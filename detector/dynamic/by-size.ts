import type { Sizes } from '../../core/traffic/histogram.ts';
import { CLASSES, classOf } from './shape.ts';

/**
 * Messages by class of size and direction: of the last 5 seconds, of the last minute, and of about the last ten, each
 * against the most that its class has had; and how much of the time a class is at rest, against the least there was.
 * What hides in the sum of all sizes, beside jobs that are larger, shows in the sizes that those do not use.
 */

export const SPANS = [
  /** `few`: messages that make little difference. */
  { words: 'for 5s', seconds: 5, few: 12 },
  { words: 'over 1m', seconds: 60, few: 24 },
  { words: 'over about 10m', seconds: 600, few: 40 },
] as const;
export type SpanIndex = 0 | 1 | 2;

/** What was reached, by class and direction: what was sent first. */
interface Reached {
  /** Until some ten minutes ago; in the newest finished ten minutes; in those that grow. */
  before: number[];
  finished: number[];
  growing: number[];
  /** Class that is furthest beyond what it had reached. */
  furthest: number;
  /** Messages that make little difference to it. */
  few: number;
}

/** Plain JSON. */
export interface BySize {
  /** Messages of the growing part, of the growing minute, and a sum of minutes that fades. */
  sums: number[][];
  /** Greatest logarithm of each sum. */
  most: Reached[];
  /** Parts of the growing minute with any such message; share of parts without, faded alike. */
  present: number[];
  absent: number[];
  /** Parts ever with any such message. */
  often: number[];
  /** Greatest negative logarithm of that share. */
  restless: Reached;
  /** Minutes known. */
  minutes: number;
}

const KINDS = 2 * CLASSES.length;
const PARTS = 12;
/** More messages in a minute are so many: the state is bounded. */
const MOST = 1e7;
/** So much of the sum that fades is gone after a minute. */
const FADING = 0.1;
/** The most is brought up to date every ten minutes: what lasts must not hide itself. */
const BLOCK = 10;
/** What was reached loses so much of its logarithm in a day: no Monday is news after a weekend. */
const LOSS = 0.18 / 144;
/** Share of parts that makes little difference. */
export const LITTLE = 0.06;
/**
 * Of a class that is in every part (health checks), so much of what makes little difference otherwise does: machines do not
 * vary. From the second share of parts without it on, all of it.
 */
const REGULAR = 0.25;
const IRREGULAR = 0.5;
/**
 * The same of a class that came so often, however seldom: what thousands of parts have never had more of is no accident.
 * From this many parts on less and less makes little difference, down to that of the regular.
 */
const KNOWN_PARTS = 1000;
const OFTEN = 9999;
/** Until so many minutes are known nothing is news: what was reached is brought up to date twice in them. */
const KNOWN = 20;

const NOTHING = (span: SpanIndex): number => Math.log(SPANS[span].few);
const none = (value: number): number[] => Array.from({ length: KINDS }, () => value);
const nothingReached = (value: number, few: number): Reached => ({
  before: none(value),
  finished: none(value),
  growing: none(value),
  furthest: 0,
  few,
});

/** Upper bound of what was reached in bytes of JSON: logarithms with four decimals, two of the three lists with three. */
const reachedBytes = 80 + KINDS * (8 + 7 + 7);
/** Upper bound in bytes of JSON: two sums of at most eight digits, one of nine with two decimals. */
export const bySizeBytes =
  120 + KINDS * (9 + 9 + 13 + 5) + SPANS.length * reachedBytes + KINDS * (3 + 6) + reachedBytes;

export const newBySize = (): BySize => ({
  sums: SPANS.map(() => none(0)),
  most: SPANS.map(({ few }, i) => nothingReached(thousandths(NOTHING(i as SpanIndex)), few)),
  present: none(0),
  absent: none(1),
  often: none(0),
  restless: nothingReached(thousandths(-Math.log(1 + LITTLE)), LITTLE),
  minutes: 0,
});

/** Take the messages of a window in. */
export function addSizes(b: BySize, sizes: Sizes, direction: 0 | 1): void {
  const now = b.sums[0] as number[];
  const offset = direction * CLASSES.length;
  for (const [bound, count] of sizes) {
    const i = offset + classOf(bound);
    now[i] = Math.min(MOST, (now[i] ?? 0) + count);
  }
}

/** What was taken in is over, as so many equal parts of 5 seconds: how far it is beyond the most of its class; null: not known yet. */
export function endPart(b: BySize, parts: number): number | null {
  const [now = [], minute = []] = b.sums;
  const reached = b.most[0] as Reached;
  let greatest = 0;
  for (let i = 0; i < KINDS; i++) {
    const n = now[i] ?? 0;
    if (n === 0) continue;
    if (reach(reached, i, Math.log(n / parts + SPANS[0].few)) > 0) {
      greatest = news(b, 0, i, n / parts, greatest);
    }
    minute[i] = Math.min(MOST, (minute[i] ?? 0) + n);
    b.often[i] = Math.min(OFTEN, (b.often[i] ?? 0) + 1);
    b.present[i] = Math.min(PARTS, (b.present[i] ?? 0) + Math.min(parts, n));
    now[i] = 0;
  }
  return b.minutes < KNOWN ? null : greatest;
}

/** A minute is over: how far it, the sum that fades, and the time at rest are beyond what they had reached. */
export function endMinute(b: BySize): (number | null)[] {
  const [, minute = [], faded = []] = b.sums;
  b.minutes++;
  for (let i = 0; i < KINDS; i++) {
    faded[i] = hundredths((faded[i] ?? 0) * (1 - FADING) + (minute[i] ?? 0));
    const share = 1 - (b.present[i] ?? 0) / PARTS;
    b.absent[i] = thousandths((b.absent[i] ?? 0) * (1 - FADING) + share * FADING);
  }
  const values = [furthest(b, 1, minute), furthest(b, 2, faded), leastRest(b)];
  minute.fill(0);
  b.present.fill(0);
  if (b.minutes % BLOCK === 0) {
    for (const [i, reached] of b.most.entries()) endBlock(reached, NOTHING(i as SpanIndex));
    endBlock(b.restless, -Math.log(1 + LITTLE));
  }
  return b.minutes < KNOWN ? [null, null, null] : values;
}

/** How far the class that is furthest beyond what it had reached is so; 0: none is. */
function furthest(b: BySize, span: SpanIndex, numbers: readonly number[]): number {
  const reached = b.most[span] as Reached;
  const { few } = SPANS[span];
  let greatest = 0;
  for (let i = 0; i < KINDS; i++) {
    const n = numbers[i] ?? 0;
    if (n > 0 && reach(reached, i, Math.log(n + few)) > 0) greatest = news(b, span, i, n, greatest);
  }
  return greatest;
}

/** The greater of `greatest` and of how far `n` messages are beyond what their class had reached, by its regularity. */
function news(b: BySize, span: SpanIndex, i: number, n: number, greatest: number): number {
  const reached = b.most[span] as Reached;
  const most = Math.exp(reached.before[i] ?? 0) - SPANS[span].few;
  // What is there for the first time may be regular in itself: that is no reason to take less of it for news.
  const few = most < 1 ? SPANS[span].few : fewOf(b, span, i);
  const beyond = Math.log((n + few) / (most + few));
  if (beyond <= greatest) return greatest;
  reached.furthest = i;
  reached.few = hundredths(few);
  return beyond;
}

/** Messages of a class that make little difference. */
function fewOf(b: BySize, span: SpanIndex, i: number): number {
  const rests = (b.absent[i] ?? 1) / IRREGULAR;
  // About ten minutes of one that is seldom have chance in them, however long it is known.
  const isUnknown = span === 2 ? 1 : KNOWN_PARTS / Math.max(1, b.often[i] ?? 0);
  const irregular = Math.min(1, rests, isUnknown);
  return SPANS[span].few * (REGULAR + (1 - REGULAR) * irregular);
}

/** How much less the class rests that does so furthest below the least it ever did; 0: none does. */
function leastRest({ restless, absent }: BySize): number {
  let greatest = 0;
  for (let i = 0; i < KINDS; i++) {
    const share = absent[i] ?? 1;
    if (share === 1) continue;
    const beyond = reach(restless, i, -Math.log(share + LITTLE));
    if (beyond <= greatest) continue;
    greatest = beyond;
    restless.furthest = i;
  }
  return greatest;
}

/** Nobody saw how what is growing went on. */
export function forgetGrowing(b: BySize): void {
  b.sums[0]?.fill(0);
  b.sums[1]?.fill(0);
  b.present.fill(0);
}

/** How far a value is beyond what its class had reached. */
function reach(reached: Reached, i: number, value: number): number {
  if (value > (reached.growing[i] ?? 0)) reached.growing[i] = thousandths(value);
  return value - (reached.before[i] ?? 0);
}

function endBlock(reached: Reached, nothing: number): void {
  for (let i = 0; i < KINDS; i++) {
    const before = Math.max(nothing, (reached.before[i] ?? 0) - LOSS);
    reached.before[i] = tenThousandths(Math.max(before, reached.finished[i] ?? 0));
    reached.finished[i] = reached.growing[i] ?? 0;
    reached.growing[i] = thousandths(nothing);
  }
}

// Zero is never negative: JSON has no sign for it.
const hundredths = (x: number): number => Math.round(1e2 * x) / 1e2 + 0;
const thousandths = (x: number): number => Math.round(1e3 * x) / 1e3 + 0;
const tenThousandths = (x: number): number => Math.round(1e4 * x) / 1e4 + 0;
