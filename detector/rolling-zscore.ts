import { zScore } from 'simple-statistics';
import { z } from 'zod';
import { duration } from '../core/config/options.ts';
import { formatValue } from '../core/config/units.ts';
import type { Evidence } from '../core/incident/verdict.ts';
import { type Metric, UNIT_OF } from '../core/traffic/series.ts';
import type { Detector, Opinion, SeriesInput } from './contract.ts';
import {
  type Baseline,
  baselineBytes,
  EMPTY,
  emptyBaseline,
  learn,
  merge,
  type Summary,
  single,
  total,
} from './shared/baseline.ts';
import { heldFor, isBroken, ratioOf, scoreOf } from './shared/for-duration.ts';
import { checkUnits, directionOption, metricOption, quantity, seriesOf } from './shared/options.ts';
import {
  happens,
  newsFrom,
  nothingRecurs,
  RECURRING_BYTES,
  type Recurring,
  settle,
} from './shared/recurring.ts';

/** Nothing alarms below these unless the rule says otherwise; per metric, in its unit. */
const DEFAULT_FLOOR: Readonly<Record<Metric, number>> = {
  bytes: 64 * 1024,
  messages: 100,
  'mean-size': 128,
};

/**
 * The defaults are quiet on ordinary traffic and notice almost every burst of 10x: test/detector/quiet.test.ts.
 * Two windows in a row beyond 8 deviations proved better at both than one window beyond any limit.
 */
const options = z
  .strictObject({
    metric: metricOption(),
    direction: directionOption(),
    scale: z
      .enum(['linear', 'log'])
      .default('linear')
      .describe(
        'Judge the value itself, or its logarithm: for levels that vary by factors, and for `below`.',
      ),
    side: z.enum(['above', 'below', 'both']).default('above').describe('Which deviations alarm.'),
    limit: z
      .number()
      .min(1)
      .max(1000)
      .default(8)
      .describe('Alarm from this many standard deviations from the mean on.'),
    for: duration({ max: '24h' })
      .prefault('10s')
      .describe('How long the deviation has to last, best two windows or more; `0s` alarms at the first.'),
    window: duration({ min: '10s', max: '7d' })
      .prefault('1h')
      .describe('How much time, without deviations and gaps, mean and standard deviation are taken over.'),
    warm_up: duration({ max: '7d' }).prefault('2m').describe('Time to learn before the first judgement.'),
    min_samples: z
      .int()
      .min(3)
      .max(100_000)
      .default(12)
      .describe('Windows to learn before the first judgement, however long they are.'),
    floor: quantity()
      .optional()
      .describe(
        'Nothing alarms while what is seen and the mean are below it. 64KiB/s, 100msg/s or 128B, by metric.',
      ),
    min_spread: z
      .number()
      .min(0.001)
      .max(10)
      .default(0.25)
      .describe(
        'The standard deviation counts as at least this part of the mean: flat series do not alarm for a hair.',
      ),
    recurs: z
      .boolean()
      .default(true)
      .describe(
        'A deviation as large as two others within a fortnight (up to a third larger) is no news: jobs and backups alarm twice.',
      ),
    relearn: duration({ min: '1s', max: '7d' })
      .prefault('10m')
      .describe('A deviation that has lasted this long becomes the new normal.'),
  })
  .superRefine((o, context) => {
    checkUnits(o.metric, { floor: o.floor }, context);
    const refuse = (key: string, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message });
    if (o.warm_up > o.window) refuse('warm_up', 'at most `window`: nothing older is remembered');
    if (o.for > o.relearn) refuse('for', 'at most `relearn`: what is normal by then cannot alarm');
    if (o.side !== 'above' && o.scale === 'linear' && o.limit * o.min_spread >= 1) {
      refuse('side', '`scale: log`, or limit x min_spread below 1: no value is that far below the mean');
    }
  });

type Options = z.output<typeof options>;

interface State {
  baseline: Baseline;
  /** What deviated and was kept out of the baseline; null when there was nothing lately. */
  flagged: { seen: Summary; ms: number } | null;
  /** How long the deviation has lasted without a break, ms. */
  held: number;
  /** How far deviations went that lasted for `for`: up, and down. */
  up: Recurring;
  down: Recurring;
  /** End of the last judged frame, epoch ms; null before the first. */
  end: number | null;
}

/** How the statistics see a value, and back. */
interface Scale {
  to(value: number): number;
  from(scaled: number): number;
  /** The least standard deviation at a mean, scaled. */
  leastSpread(mean: number): number;
}

function scaleOf(o: Options, floor: number): Scale {
  if (o.scale === 'linear') return { to: x => x, from: y => y, leastSpread: mean => o.min_spread * mean };
  // The logarithm flattens towards 0 from the floor on: below it differences mean little, and 0 has no logarithm.
  const unit = Math.max(floor, 1);
  return {
    to: x => Math.log1p(x / unit),
    from: y => Math.min(Math.expm1(y) * unit, Number.MAX_SAFE_INTEGER),
    leastSpread: () => Math.log1p(o.min_spread),
  };
}

interface Band {
  readonly mean: number;
  readonly spread: number;
}

/** What to expect of the next value, scaled; null while too little is known. */
function bandOf(baseline: Baseline, o: Options, scale: Scale): Band | null {
  const known = total(baseline);
  if (known.n < o.min_samples || known.ms < o.warm_up) return null;
  // Standard deviation of a value not among the n: s^2 = n/(n-1) variance, and the mean errs by s^2/n as well.
  const deviation = Math.sqrt((known.variance * (known.n + 1)) / (known.n - 1));
  return { mean: known.mean, spread: Math.max(deviation, scale.leastSpread(known.mean)) };
}

/** Standard deviations towards the side that is watched, >= 0. A spread of 0 (a series of zeros) has no z: any difference is endless. */
function deviationOf(scaled: number, band: Band, side: Options['side']): number {
  const difference = scaled - band.mean;
  if (difference === 0 || (difference < 0 ? side === 'above' : side === 'below')) return 0;
  return band.spread === 0 ? Number.MAX_VALUE : Math.abs(zScore(scaled, band.mean, band.spread));
}

/** When enough will be known if frames go on as long as this one, epoch ms. */
function readyAt(state: State, { start, durationMs }: SeriesInput, o: Options): number {
  const known = total(state.baseline);
  return start + durationMs + Math.max(o.warm_up - known.ms, (o.min_samples - known.n) * durationMs, 0);
}

function evidenceOf(
  value: number,
  band: Band & {
    /** How far from the mean a value has to be to be more than what recurs, scaled; 0: nothing does. */
    readonly usual: number;
  },
  o: Options,
  scale: Scale,
  floor: number,
): Evidence {
  const unit = UNIT_OF[o.metric];
  const reach = Math.max(o.limit * band.spread, band.usual);
  const high = o.side === 'below' ? null : Math.max(scale.from(band.mean + reach), floor);
  const low = o.side === 'above' ? null : Math.max(scale.from(band.mean - reach), 0);
  const bounds = [low, high].filter(bound => bound !== null).map(bound => formatValue(bound, unit));
  const expected = low === null ? 'up to ' : high === null ? 'at least ' : '';
  return {
    seen: value,
    low,
    high,
    unit,
    text: `${formatValue(value, unit)}, expected ${expected}${bounds.join(' to ')}`,
  };
}

/** Keep a deviation out of the baseline; when it has lasted for `relearn` it becomes the baseline. */
function setAside(state: State, value: Summary, relearnMs: number): void {
  const seen = merge(state.flagged?.seen ?? EMPTY, value);
  const ms = (state.flagged?.ms ?? 0) + value.ms;
  if (ms < relearnMs) {
    state.flagged = { seen, ms };
    return;
  }
  state.baseline = { ...emptyBaseline(), growing: seen };
  state.flagged = null;
}

/** Learn a normal value. It wears down what was set aside instead of wiping it out: a lasting shift has its dips. */
function absorb(state: State, value: Summary, windowMs: number): void {
  state.baseline = learn(state.baseline, value, windowMs);
  if (!state.flagged) return;
  const ms = state.flagged.ms - value.ms;
  state.flagged = ms > 0 ? { ...state.flagged, ms } : null;
}

function step(state: State, input: SeriesInput, o: Options): { state: State; opinion: Opinion } {
  const { value, start, durationMs } = input;
  if (value === null) return { state, opinion: { abstain: 'no value' } };
  const floor = o.floor?.value ?? DEFAULT_FLOOR[o.metric];
  const scale = scaleOf(o, floor);
  const scaled = scale.to(value);
  const learned = single(scaled, durationMs);
  const band = bandOf(state.baseline, o, scale);
  if (isBroken(state.end, start, o.for)) state.held = 0;
  state.end = start + durationMs;
  if (band === null) {
    state.held = 0;
    absorb(state, learned, o.window);
    return { state, opinion: { abstain: 'warming up', until: readyAt(state, input, o) } };
  }
  const counts = ratioOf(Math.max(value, scale.from(band.mean)), floor);
  const ratio = Math.min(ratioOf(deviationOf(scaled, band, o.side), o.limit), counts);
  state.held = ratio >= 1 ? state.held + durationMs : 0;
  const reach = Math.abs(scaled - band.mean);
  const side = scaled < band.mean ? state.down : state.up;
  settle(side, start);
  const usual = o.recurs ? newsFrom(side, start) : 0;
  if (ratio >= 1 && state.held >= o.for) happens(side, reach, start);
  if (ratio >= 1) setAside(state, learned, o.relearn);
  else absorb(state, learned, o.window);
  const evidence = evidenceOf(value, { ...band, usual }, o, scale, floor);
  const news = usual > 0 ? Math.min(ratio, reach / usual) : ratio;
  const score = scoreOf(news, state.held, o.for);
  // Within what recurs it was held by what is usual, and not by the news.
  const held = usual > 0 ? {} : heldFor(state.held, o.for);
  return { state, opinion: { score, evidence, ...held } };
}

/** Inputs of an example: consecutive frames of 5 s. */
const frames = (values: readonly number[]): SeriesInput[] =>
  values.map((value, i) => ({
    start: i * 5000,
    durationMs: 5000,
    direction: 'send',
    metric: 'bytes',
    value,
  }));

const quick = { warm_up: '30s', min_samples: 6 };
const repeat = (n: number, ...values: number[]) => Array.from({ length: n }, () => values).flat();

export const rollingZscore: Detector<'series', Options, State> = {
  name: 'rolling-zscore',
  summary: 'Far from the mean of the last while, in standard deviations: for what has no fixed limit.',
  scope: 'series',
  input: 'traffic',
  options,
  series: seriesOf,
  examples: [
    {
      title: 'Ten times the usual traffic alarms at its second window, a single window never',
      options: quick,
      inputs: frames([...repeat(4, 90e3, 100e3, 110e3), 1e6, 100e3, 1e6, 1e6, 100e3]),
      alarms: [15],
    },
    {
      title: 'A flat series that moves a little is no anomaly',
      options: quick,
      inputs: frames([...repeat(12, 200e3), 230e3, 230e3, 200e3]),
      alarms: [],
    },
    {
      title: 'A silent series: traffic below the floor is nothing, above it an anomaly',
      options: { ...quick, floor: '1MB/s', for: '0s' },
      inputs: frames([...repeat(8, 0), 500e3, 2e6]),
      alarms: [9],
    },
    {
      title: 'A lasting shift alarms until it is relearned',
      options: { ...quick, relearn: '30s' },
      inputs: frames([...repeat(4, 90e3, 100e3, 110e3), ...repeat(10, 2e6)]),
      alarms: [13, 14, 15, 16, 17],
    },
    {
      title: 'What happens for the third time is no news, unless it is larger',
      options: { ...quick, for: '0s' },
      inputs: frames(
        [1e6, 1e6, 1e6, 2e6].flatMap(burst => [...repeat(24, 90e3, 100e3, 110e3), burst]).concat(100e3),
      ),
      alarms: [72, 145, 291],
    },
    {
      title: 'A fall to nothing, on the logarithmic scale',
      options: { ...quick, side: 'below', scale: 'log', limit: 4 },
      inputs: frames([...repeat(4, 900e3, 1000e3, 1100e3), 0, 0]),
      alarms: [13],
    },
  ],
  stateBytes: () => 250 + baselineBytes + 110 + 2 * RECURRING_BYTES,
  init: () => ({
    baseline: emptyBaseline(),
    flagged: null,
    held: 0,
    up: nothingRecurs(),
    down: nothingRecurs(),
    end: null,
  }),
  step,
};
