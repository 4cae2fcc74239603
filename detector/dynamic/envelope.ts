/**
 * What a value has been: its greatest in the last two hours, and at this time of day before. Values are natural
 * logarithms or other quantities of which differences count. What has happened twice in a fortnight is no news: events
 * raise the limit (peaks over threshold, of which the second greatest counts).
 */

/** How one view is judged. All in the unit of the value. */
export interface Sharpness {
  /** Least difference to the envelope that is an event. */
  readonly floor: number;
  /** The same where the value hardly ever moves; at most `floor`. */
  readonly steadyFloor: number;
  /** Spread from which on a value is restless: its floor rises with it, by half at most. */
  readonly restless: number;
  /** What the limit is raised by for each e-fold that `YOUNG_MS` is longer than the time watched. */
  readonly allowance: number;
}

/** An event that is over: epoch minute, greatest difference to the envelope; 1: it alarmed and was too brief to be learnt. */
type Peak = [minute: number, excess: number, burst: 0 | 1];

/** Something unusual that is going on. */
interface Event {
  /** Time of its first and last value beyond the floor, epoch ms. */
  from: number;
  last: number;
  /** Greatest value that is not learnt yet: what alarms and is soon over leaves no trace but its peak. */
  aside: number | null;
  /** Greatest difference to the envelope. */
  excess: number;
  /** Greatest difference that alarmed, and when one did last; 0: none did. */
  alarmed: number;
  alarmedAt: number;
}

/** Plain JSON. Missing values are null. */
export interface Envelope {
  /** Greatest value of each finished block, oldest first. */
  blocks: number[];
  /** Greatest value of the block and of the half-hour that are growing. */
  block: number | null;
  half: number | null;
  /** Greatest value by half-hour of the day (UTC), and what the last finished one was before today. */
  day: (number | null)[];
  former: number | null;
  /** How much lower today has been than its times of day lately, from -QUIET_DAY to 0: weekends. */
  today: number;
  /** Upper edge until the next block. */
  edge: number | null;
  /** Mean difference between neighbouring blocks, of how many. */
  spread: number;
  steps: number;
  peaks: Peak[];
  event: Event | null;
}

const MINUTE = 60_000;
const BLOCK_MS = 10 * MINUTE;
const HALF_MS = 30 * MINUTE;
const HALVES = 48;
/** Blocks looked back to: two hours. */
const BLOCKS = 12;
/** From this many known blocks on, the newest finished one is left out: what grows slowly must not hide itself. */
const ENOUGH_BLOCKS = 4;
/** What the memory of a time of day loses each day. */
const DAILY_DECAY = 0.25;
/** What a quiet day takes from them at most, and how fast it shows, per half-hour. */
const QUIET_DAY = 0.5;
const QUIET_RATE = 0.25;
/** An event is over when it was below the floor for so long. */
const EVENT_GAP = 10 * MINUTE;
/** What alarms for less than this is not learnt: a burst of a second stays in the sum of a minute for as long. */
const BRIEF = 75_000;
/** An alarm that pauses for no longer is the same alarm. */
const SAME_ALARM = MINUTE;
const PEAKS = 6;
const PEAK_DAYS = 14;
/** How far beyond the second greatest event news begins. */
const BEYOND = 1.5;
/** Within one event only so many times the difference that alarmed alarms again. */
const AGAIN = 1.5;
const HOUR = 60 * MINUTE;
/** Age at which the allowance of a young envelope is ln 2 of its unit. */
const YOUNG_MS = 8 * HOUR;
/** Until each time of day was seen twice the allowance stays what it is after half a day, and one event counts as two do. */
const HALF_GROWN_MS = 12 * HOUR;
const GROWN_MS = 48 * HOUR;
const GROWN = Math.log(1 + YOUNG_MS / GROWN_MS);
/** A burst counts twice in a young one for so many minutes only: it must not make it deaf for two days. */
const BURST_COUNTS = 150;
/** A spread that needs all of the allowance, and the least part of it that is needed. */
const UNREST = 0.1;
const LEAST_UNREST = 0.25;
/** A spread from which on a value is not steady, and what the floor of a restless one rises by at most. */
const STEADY = 0.06;
/** Blocks that have to be known for the one, and for the other. */
const SOME_STEPS = 3;
const MANY_STEPS = 6;
const MOST_RESTLESS = 0.5;

/** Upper bound of an envelope in bytes of JSON: values have at most five characters, `-9.99` or `36.74`. */
export const envelopeBytes = 175 + (BLOCKS + HALVES) * 6 + PEAKS * 19 + 114;

/** The same for one that knows no times of day (`day` stays empty). */
export const recentBytes = envelopeBytes - HALVES * 6;

/** `daily`: it knows times of day. */
export const newEnvelope = (daily = true): Envelope => ({
  blocks: [],
  block: null,
  half: null,
  day: daily ? Array(HALVES).fill(null) : [],
  former: null,
  today: 0,
  edge: null,
  spread: 0,
  steps: 0,
  peaks: [],
  event: null,
});

/** Numbers of the block and half-hour of a time (epoch ms). */
export const spanOf = (now: number): { block: number; half: number } => ({
  block: Math.floor(now / BLOCK_MS),
  half: Math.floor(now / HALF_MS),
});

/** Half-hour of the day; the remainder of a time before 1970 is negative. */
const slotOf = (half: number): number => ((half % HALVES) + HALVES) % HALVES;

// Zero is never negative: JSON has no sign for it.
const hundredths = (x: number): number => Math.round(x * 100) / 100 + 0;

/** The block ends: what it held is known from now on. */
export function endBlock(e: Envelope): void {
  if (e.block !== null) {
    const before = e.blocks.at(-1);
    const value = e.block;
    if (before !== undefined) {
      e.steps = Math.min(e.steps + 1, 50);
      e.spread = hundredths(1e2 * (e.spread + (Math.abs(value - before) - e.spread) / e.steps)) / 1e2;
    }
    e.blocks.push(value);
    if (e.blocks.length > BLOCKS) e.blocks.shift();
    e.block = null;
  }
}

/** The half-hour number `half` since the epoch ends. */
export function endHalf(e: Envelope, half: number): void {
  if (e.day.length === 0) return;
  const slot = slotOf(half);
  const old = e.day[slot] ?? null;
  e.former = old;
  if (e.half === null) return;
  if (old !== null) {
    const lower = Math.min(0, Math.max(-QUIET_DAY, e.half - old));
    e.today = hundredths(e.today + (lower - e.today) * QUIET_RATE);
  }
  e.day[slot] = hundredths(old === null ? e.half : Math.max(e.half, old - DAILY_DECAY));
  e.half = null;
}

/** The upper edge in the half-hour `half`; to be called when a block has ended. */
export function settle(e: Envelope, half: number): void {
  const slot = slotOf(half);
  const known = e.blocks.length;
  const upTo = known >= ENOUGH_BLOCKS ? known - 1 : known;
  let edge = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < upTo; i++) edge = Math.max(edge, e.blocks[i] ?? edge);
  for (const then of [e.day[slot], e.day[(slot + 1) % HALVES], e.former]) {
    if (then !== null && then !== undefined) edge = Math.max(edge, then + e.today);
  }
  e.edge = known === 0 ? null : edge;
}

/** What is allowed after `watchedMs` in units of `Sharpness.allowance`: records are the rarer, the more there was before. */
export function allowanceAt(watchedMs: number): number {
  const age = watchedMs < GROWN_MS ? Math.min(watchedMs, HALF_GROWN_MS) : watchedMs;
  return Math.log(1 + YOUNG_MS / Math.max(age, 1));
}

/** How much of the allowance of a young envelope it needs: the less, the more blocks were like those before them. */
function unrestOf({ spread, steps }: Envelope): number {
  return Math.max(LEAST_UNREST, Math.min(1, (UNREST + spread * steps) / (UNREST * (1 + steps))));
}

/** Least difference that is an event: lower for machines that never vary, higher for what varies much. */
export function floorOf(e: Envelope, sharp: Sharpness): number {
  if (e.steps < SOME_STEPS) return sharp.floor;
  const steady = Math.min(1, e.spread / STEADY);
  const restless =
    e.steps < MANY_STEPS ? 0 : Math.min(MOST_RESTLESS, Math.max(0, e.spread / sharp.restless - 1));
  return (sharp.steadyFloor + (sharp.floor - sharp.steadyFloor) * steady) * (1 + restless);
}

/** Difference from which on an alarm is raised at the time `now` (epoch ms). */
export function limitOf(e: Envelope, sharp: Sharpness, youth: number, now: number): number {
  let first = 0;
  let second = 0;
  let young = 0;
  for (const [minute, excess, burst] of e.peaks) {
    if (excess > young && (burst === 0 || now / MINUTE - minute < BURST_COUNTS)) young = excess;
    if (excess > first) {
      second = first;
      first = excess;
    } else if (excess > second) second = excess;
  }
  if (youth > GROWN) second = Math.max(second, young);
  return Math.max(floorOf(e, sharp), BEYOND * second) + sharp.allowance * youth * unrestOf(e);
}

/**
 * Score of `value` (1 = alarm limit), which is learnt unless it is a burst. `youth`: `allowanceAt` of the time watched; `strictness`
 * multiplies the limit. 0 while nothing is known.
 */
export function judge(
  e: Envelope,
  value: number,
  sharp: Sharpness,
  youth: number,
  strictness: number,
  now: number,
): number {
  if (e.edge === null) {
    learn(e, value);
    return 0;
  }
  const excess = value - e.edge;
  if (e.event !== null && Math.abs(now - e.event.last) > EVENT_GAP) close(e, e.event, now);
  if (excess <= 0) {
    learn(e, value);
    return 0;
  }
  const floor = floorOf(e, sharp);
  if (excess < floor) learn(e, value);
  if (excess < floor * Math.min(1, strictness * 0.5)) return Math.min(0.4, excess / floor);
  const score = excess / (limitOf(e, sharp, youth, now) * strictness);
  if (excess < floor) return Math.min(score, 0.99);
  e.event ??= { from: now, last: now, aside: null, excess: 0, alarmed: 0, alarmedAt: 0 };
  const { event } = e;
  event.last = now;
  event.excess = Math.max(event.excess, hundredths(excess));
  const said = sayOf(event, score, excess, now);
  learnEvent(e, event, value, now);
  return said;
}

/** An event goes on, or is just over, that has gone as far before. */
export const isKnownEvent = ({ event }: Envelope): boolean => event !== null && event.alarmed === 0;

/** What is said of a score within an event: the same alarm goes on, another has to be much larger. */
function sayOf(event: Event, score: number, excess: number, now: number): number {
  if (score < 1) return score;
  const isNews = event.alarmed === 0 || excess >= AGAIN * event.alarmed;
  if (!isNews && now - event.alarmedAt > SAME_ALARM) return 0.99;
  event.alarmed = Math.max(event.alarmed, hundredths(excess));
  event.alarmedAt = now;
  return score;
}

/** An event that alarms is learnt once it has lasted for a while, any other at once. */
function learnEvent(e: Envelope, event: Event, value: number, now: number): void {
  if (event.alarmed > 0 && Math.abs(now - event.from) < BRIEF) {
    event.aside = Math.max(event.aside ?? value, hundredths(value));
    return;
  }
  learn(e, Math.max(event.aside ?? value, value));
  event.aside = null;
}

/** Take note of a value that is not judged. */
export function learn(e: Envelope, value: number): void {
  // A half-hour begins no later than its blocks: it has had what they have.
  if (e.block !== null && value <= e.block) return;
  const rounded = hundredths(value);
  // The same number stored again would take new memory each time.
  if (rounded !== e.block) e.block = rounded;
  if (e.half === null || (value > e.half && rounded !== e.half)) e.half = rounded;
}

/** An event is over: it is remembered, and the smallest of too many is forgotten. */
function close(e: Envelope, event: Event, now: number): void {
  const minute = Math.round(now / MINUTE);
  e.peaks = e.peaks.filter(peak => minute - peak[0] < PEAK_DAYS * 1440);
  e.peaks.push([minute, event.excess, event.aside === null ? 0 : 1]);
  if (e.peaks.length > PEAKS) {
    const least = e.peaks.reduce((a, b) => (b[1] < a[1] ? b : a));
    e.peaks.splice(e.peaks.indexOf(least), 1);
  }
  e.event = null;
}
