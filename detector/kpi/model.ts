import { type Cadence, interval, learnGap, newCadence } from './cadence.ts';
import { type Context, inContext, newContext, type Unlike } from './context.ts';
import { type Forecast, type ForecastError, forecast, newForecast, predictability } from './forecast.ts';
import { fromLevel, type Level, newLevel } from './level.ts';
import { type Known, newKnown, novelty } from './novelty.ts';
import { ramp } from './numbers.ts';
import { fromProfile, newProfile, type Profile } from './profile.ts';
import { newRearm, type Rearm, rearmed } from './rearm.ts';
import { count, newTail, survival, type Tail } from './tail.ts';

/**
 * Anomalies of one series of numbers with a row a second to a row a day, online: every row is judged by what came before
 * it, then learnt. Three views, each divided by its own limit; the score is the greatest, and 1 is an alarm.
 *
 * - surprise: how rare the error of a one-step forecast is. Where the series is not predictable, the row must also stand
 *   out from its level or from its time of day, because there a single step says little.
 * - novelty: how far a value is from all values ever seen.
 * - context: two hours unlike the same hours of other days.
 *
 * The limit of `surprise` is a budget: what happens by itself one tenth of a time a day, or in one row of 2,880 where rows
 * come more often than every five minutes (days of hourly rows hold too few to be as strict by the row).
 */
export interface Model {
  /** Rows with a value, so far. */
  rows: number;
  /** Time of the first and of the last row, epoch ms. */
  first: number | null;
  last: number;
  readonly cadence: Cadence;
  readonly forecast: Forecast;
  readonly level: Level;
  readonly profile: Profile;
  readonly context: Context;
  /** Of errors of the forecast, distances from the level, distances from the profile. */
  readonly tails: { readonly step: Rare; readonly level: Rare; readonly profile: Rare };
  /** Values, their logarithms, and sizes of errors of the forecast. */
  readonly known: { readonly value: Known; readonly log: Known; readonly error: Known };
  readonly rearm: { readonly novelty: Rearm; readonly context: Rearm; readonly all: Rearm };
}

/** The rarity of one kind of deviation, and the row in which it last was beyond its limit. */
interface Rare {
  readonly tail: Tail;
  beyond: number | null;
}

export const VIEWS = ['surprise', 'novelty', 'context'] as const;
export type View = (typeof VIEWS)[number];

export interface Finding {
  /** 1 is the alarm limit; finite, >= 0. */
  readonly score: number;
  /** What speaks loudest. */
  readonly view: View;
  /** What that view saw: the value, or the mean of a half-hour. */
  readonly seen: number;
  /** What it expected; null for novelty, which expects nothing in particular. */
  readonly expected: number | null;
}

const SECOND = 1000;
const HALF_HOUR = 1800 * SECOND;
const DAY = 86_400 * SECOND;

/** Rows before the first judgement. */
export const WARM_UP_ROWS = 100;
/** Rows before deviations are counted: by then the cadence is known, and spreads mean something. */
const SETTLED_ROWS = 40;
/** Ends of time as JavaScript counts it, epoch ms. */
const LATEST = 8.64e15;
/** No value is larger: squares stay finite. */
const LARGEST = 1e100;

const BUDGET_PER_DAY = 0.1;
const BUDGET_PER_ROW = 1 / 2880;
/** However seldom rows come, an alarm is rarer than one row in 20. */
const LARGEST_BUDGET = 0.05;
const HALF_LIFE = { days: 14, leastRows: 2000 };
/** R squared of the forecast from which a step counts on its own, and from which it does so fully. */
const PREDICTABLE = [0.9, 0.98] as const;
/** More distance between rows than this many intervals: rows are missing. */
const GAP_INTERVALS = 4;
/** Deviations beyond the limit are one event, and counted once, when they are closer than this. */
const EVENT_ROWS = 12;

/** Novelty, weighted, from which on it alarms in an old series. */
const NOVELTY_LIMIT = 0.029;
const NOVELTY_WEIGHT = { value: 1, log: 0.25, error: 0.4 };
const COARSE = { capacity: 64, merge: 0.02 };
const FINE = { capacity: 128, merge: 0.01 };
/** Records occur at a rate of 1 / n: at this age the limit is twice that of an old series. */
const YOUNG = { rows: 500, days: 2 };
/** Values are forgotten when this much time and this many rows have not seen them. */
const MEMORY = { days: 60, rows: 20_000 };

/** Standard deviations. */
const CONTEXT_LIMIT = 6;
const CONTEXT_FROM_DAYS = 4;
/** What is new stays new for a while. */
const QUIET_ROWS = 100;

const newRare = (): Rare => ({ tail: newTail(), beyond: null });

export const newModel = (): Model => ({
  rows: 0,
  first: null,
  last: 0,
  cadence: newCadence(),
  forecast: newForecast(),
  level: newLevel(),
  profile: newProfile(),
  context: newContext(),
  tails: { step: newRare(), level: newRare(), profile: newRare() },
  known: { value: newKnown(), log: newKnown(), error: newKnown() },
  rearm: { novelty: newRearm(), context: newRearm(), all: newRearm() },
});

/**
 * Judge the value of a row by all rows before it, then learn it; changes `model`. Rows are to come in order of time: a
 * time before the last one counts as the last one. A value that is not finite teaches nothing.
 *
 * @param time epoch ms
 * @param views which of them speak; all learn, as long as the model is the same
 * @returns null while the model is warming up, or where there is no value
 */
export function judge(
  model: Model,
  time: number,
  value: number,
  views: readonly View[] = VIEWS,
): Finding | null {
  if (!Number.isFinite(value) || !(Math.abs(time) <= LATEST)) return null;
  const row = takeRow(model, time, value);
  const step = forecast(model.forecast, row.x, row.n, row.slot, row.afterGap);
  const surprise = surpriseOf(model, row, step);
  const novel = noveltyOf(model, row, step);
  // A row that speaks for itself does not speak for its half-hour as well.
  const block = Math.floor(row.time / HALF_HOUR);
  const unlike = inContext(model.context, Math.max(surprise, novel) < 1 ? row.x : null, block);
  const scores: Readonly<Record<View, number>> = {
    surprise,
    novelty: rearmed(model.rearm.novelty, novel, row.n, QUIET_ROWS),
    context: rearmed(model.rearm.context, contextOf(model, row, unlike), row.n, QUIET_ROWS),
  };
  if (row.n <= WARM_UP_ROWS) return null;
  const view = views.reduce((loudest, other) => (scores[other] > scores[loudest] ? other : loudest));
  const score = rearmed(model.rearm.all, scores[view], row.n, EVENT_ROWS);
  if (view === 'context' && unlike) return { score, view, seen: unlike.seen, expected: unlike.expected };
  return { score, view, seen: row.x, expected: view === 'surprise' && step ? step.expected : null };
}

interface Row {
  readonly x: number;
  /** Epoch ms, not before the last row's. */
  readonly time: number;
  /** How many rows there are with this one. */
  readonly n: number;
  /** Half-hour of the day. */
  readonly slot: number;
  readonly interval: number;
  readonly rowsPerDay: number;
  readonly afterGap: boolean;
}

function takeRow(model: Model, time: number, value: number): Row {
  const now = model.first === null ? time : Math.max(time, model.last);
  const gap = model.first === null ? 0 : now - model.last;
  learnGap(model.cadence, gap);
  model.first ??= now;
  model.last = now;
  const every = interval(model.cadence);
  return {
    // Adding 0 makes 0 of -0, which JSON does not know.
    x: Math.max(-LARGEST, Math.min(LARGEST, value)) + 0,
    time: now,
    n: ++model.rows,
    slot: Math.floor((((now % DAY) + DAY) % DAY) / HALF_HOUR),
    interval: every,
    rowsPerDay: DAY / every,
    afterGap: gap > GAP_INTERVALS * every,
  };
}

/** Score of `surprise`: rarity on a logarithmic scale, 1 where the budget ends. */
function surpriseOf(model: Model, row: Row, step: ForecastError | null): number {
  const fromUsual = fromProfile(model.profile, row.x, row.slot, row.rowsPerDay);
  const fromRecent = fromLevel(model.level, row.x, row.n);
  if (row.n < SETTLED_ROWS) return 0;
  const predictable = ramp(predictability(model.forecast), ...PREDICTABLE);
  const budget = Math.min(LARGEST_BUDGET, Math.max(BUDGET_PER_ROW, BUDGET_PER_DAY / row.rowsPerDay));
  // A forecast that is right nearly always is believed more readily when it is wrong.
  const stepBudget = Math.min(LARGEST_BUDGET, budget * (1 + predictable));
  const ofStep = rarity(model.tails.step, step?.z ?? null, row, stepBudget);
  const ofLevel = rarity(model.tails.level, fromRecent, row, budget);
  const ofProfile = rarity(model.tails.profile, fromUsual, row, budget);
  const together = (ofStep + Math.max(ofLevel, ofProfile)) / 2;
  return Math.max(together, predictable * ofStep + (1 - predictable) * together);
}

function rarity(rare: Rare, z: number | null, { n, rowsPerDay }: Row, budget: number): number {
  if (z === null) return 0;
  const score = Math.log(survival(rare.tail, z)) / Math.log(budget);
  const going = rare.beyond !== null && n - rare.beyond <= EVENT_ROWS;
  if (score >= 1) rare.beyond = n;
  const halfLife = Math.max(HALF_LIFE.leastRows, HALF_LIFE.days * rowsPerDay);
  if (score < 1 || !going) count(rare.tail, z, 2 ** (1 / halfLife));
  // The logarithm of a probability of 1 may come out below 0 by rounding.
  return Math.max(0, score);
}

function noveltyOf({ known }: Model, row: Row, step: ForecastError | null): number {
  const before = row.time - Math.max(MEMORY.rows * row.interval, MEMORY.days * DAY);
  const value = novelty(known.value, row.x, row.time, before, COARSE);
  const log = novelty(known.log, Math.log(Math.abs(row.x) + 1), row.time, before, FINE);
  const error = step === null ? 0 : novelty(known.error, step.size, row.time, before, COARSE);
  const { value: v, log: l, error: e } = NOVELTY_WEIGHT;
  const young = Math.max(YOUNG.rows, YOUNG.days * row.rowsPerDay);
  return ((Math.max(v * value, l * log, e * error) / NOVELTY_LIMIT) * row.n) / (row.n + young);
}

function contextOf({ first }: Model, row: Row, unlike: Unlike | null): number {
  if (unlike === null || first === null || row.time - first <= CONTEXT_FROM_DAYS * DAY) return 0;
  return unlike.z / CONTEXT_LIMIT;
}
