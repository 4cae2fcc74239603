import { z } from 'zod';
import { duration } from '../core/config/options.ts';
import { formatDuration, formatLength, formatValue } from '../core/config/units.ts';
import type { Evidence } from '../core/incident/verdict.ts';
import { UNIT_OF } from '../core/traffic/series.ts';
import type { Detector, Opinion, SeriesInput } from './contract.ts';
import { heldFor, isBroken, MAX_SCORE, ratioOf, scoreOf } from './shared/for-duration.ts';
import { add, type History, historyBytes, levelBefore, levelKnownFrom } from './shared/history.ts';
import {
  change,
  checkUnits,
  directionOption,
  type Factor,
  isFactor,
  metricOption,
  type Quantity,
  quantity,
  seriesOf,
} from './shared/options.ts';

const options = z
  .strictObject({
    metric: metricOption(),
    direction: directionOption(),
    above: quantity({ positive: true }).optional().describe('Alarm from this value on.'),
    below: quantity({ positive: true })
      .optional()
      .describe('Alarm from this value downwards; a silent container has rate 0.'),
    rises_by: change()
      .optional()
      .describe('Alarm when the value is this factor (`3x`) or amount above its level `within` ago.'),
    falls_by: change()
      .optional()
      .describe('Alarm when the value is this factor (`3x`) or amount below its level `within` ago.'),
    within: duration({ min: '1s', max: '24h' })
      .prefault('1m')
      .describe(
        'How far `rises_by` and `falls_by` look back; the level then is a mean over an eighth of it.',
      ),
    at_least: quantity()
      .optional()
      .describe('A change counts only when the value or its former level reaches this; a factor needs it.'),
    for: duration({ max: '24h' })
      .prefault('30s')
      .describe('How long the condition has to hold without a break; `0s` alarms at the first window.'),
  })
  .superRefine((o, context) => {
    const { above, below, rises_by, falls_by, at_least } = o;
    checkUnits(o.metric, { above, below, rises_by, falls_by, at_least }, context);
    const refuse = (key: string, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message });
    if (!above && !below && !rises_by && !falls_by) {
      refuse('above', 'at least one of above, below, rises_by and falls_by');
    }
    if (above && below && below.value >= above.value) refuse('below', 'a value less than that of above');
    const factor = [rises_by, falls_by].some(value => value !== undefined && isFactor(value));
    if (factor && !at_least) {
      refuse('at_least', 'a value, because from zero on any change is an infinite factor');
    }
    if ((rises_by || falls_by) && o.for > o.within) {
      refuse('for', 'at most `within`: a step is seen as a change for no longer than that');
    }
  });

type Options = z.output<typeof options>;

const CONDITIONS = ['above', 'below', 'rises_by', 'falls_by'] as const;

interface State {
  /** End of the last judged frame, epoch ms; null before the first. */
  end: number | null;
  /** How long each condition has held without a break, ms. */
  held: Record<(typeof CONDITIONS)[number], number>;
  /** Former levels, for the changes. */
  history: History;
}

/** One condition on one value: `ratio` is 1 at the limit and grows beyond it. */
interface Condition {
  readonly name: (typeof CONDITIONS)[number];
  readonly ratio: number;
  /** Where normal ends, in the metric's unit. */
  readonly limit: number;
  /** Where the limit comes from, for people; empty when the user gave it. */
  readonly why: string;
}

/** The level of `before` moved up or down by a factor or amount. */
function moved(before: number, by: Factor | Quantity, up: boolean): number {
  if (isFactor(by)) return up ? before * by.factor : before / by.factor;
  return up ? before + by.value : Math.max(0, before - by.value);
}

function changeOf(name: 'rises_by' | 'falls_by', value: number, before: number, o: Options): Condition[] {
  const by = o[name];
  if (!by) return [];
  const up = name === 'rises_by';
  const floor = o.at_least?.value ?? 0;
  const limit = up ? Math.max(moved(before, by, up), floor) : moved(before, by, up);
  const difference = up ? value - before : before - value;
  const factor = up ? ratioOf(value, limit) : ratioOf(limit, value);
  const ratio = isFactor(by) ? factor : ratioOf(Math.max(0, difference), by.value);
  const counts = floor === 0 ? MAX_SCORE : ratioOf(Math.max(value, before), floor);
  const why = ` (${formatDuration(o.within)} before: ${formatValue(before, UNIT_OF[o.metric])})`;
  return [{ name, ratio: Math.min(ratio, counts), limit, why }];
}

function conditionsOf(value: number, before: number | null, o: Options): Condition[] {
  const list: Condition[] = [];
  if (o.above) {
    list.push({ name: 'above', ratio: ratioOf(value, o.above.value), limit: o.above.value, why: '' });
  }
  if (o.below) {
    list.push({ name: 'below', ratio: ratioOf(o.below.value, value), limit: o.below.value, why: '' });
  }
  if (before !== null) {
    list.push(...changeOf('rises_by', value, before, o), ...changeOf('falls_by', value, before, o));
  }
  return list;
}

function evidenceOf(value: number, condition: Condition, heldMs: number, o: Options): Evidence {
  const unit = UNIT_OF[o.metric];
  const upper = condition.name === 'above' || condition.name === 'rises_by';
  const held = heldMs > 0 ? `, held ${formatLength(heldMs)}` : '';
  const side = upper ? 'below' : 'above';
  return {
    seen: value,
    low: upper ? null : condition.limit,
    high: upper ? condition.limit : null,
    unit,
    text: `${formatValue(value, unit)}${held}, expected ${side} ${formatValue(condition.limit, unit)}${condition.why}`,
  };
}

function step(state: State, input: SeriesInput, o: Options): { state: State; opinion: Opinion } {
  const { value, start, durationMs } = input;
  if (value === null) return { state, opinion: { abstain: 'no value' } };
  if (isBroken(state.end, start, o.for)) {
    for (const name of CONDITIONS) state.held[name] = 0;
  }
  const before = o.rises_by || o.falls_by ? levelBefore(state.history, input, o.within) : null;
  const conditions = conditionsOf(value, before, o);
  let best: { condition: Condition; score: number } | null = null;
  for (const condition of conditions) {
    const held = condition.ratio >= 1 ? state.held[condition.name] + durationMs : 0;
    state.held[condition.name] = held;
    const score = scoreOf(condition.ratio, held, o.for);
    if (best === null || score > best.score) best = { condition, score };
  }
  state.end = start + durationMs;
  if (o.rises_by || o.falls_by) state.history = add(state.history, { start, durationMs, value }, o.within);
  if (best === null) {
    const until = levelKnownFrom(state.history, o.within);
    return { state, opinion: { abstain: 'warming up', ...(until === null ? {} : { until }) } };
  }
  const held = state.held[best.condition.name];
  const evidence = evidenceOf(value, best.condition, held, o);
  return { state, opinion: { score: best.score, evidence, ...heldFor(held, o.for) } };
}

/** Inputs of an example: consecutive frames of 5 s. */
const frames = (metric: SeriesInput['metric'], values: readonly (number | null)[]): SeriesInput[] =>
  values.map((value, i) => ({ start: i * 5000, durationMs: 5000, direction: 'send', metric, value }));

export const threshold: Detector<'series', Options, State> = {
  name: 'threshold',
  summary: 'A fixed limit: above, below, or changed by more than so much, for a duration.',
  scope: 'series',
  input: 'traffic',
  options,
  series: seriesOf,
  examples: [
    {
      title: 'More than 1 MiB/s for 10 seconds: the second window alarms, not the first',
      options: { above: '1MiB/s', for: '10s' },
      inputs: frames('bytes', [1000, 2 * 1024 ** 2, 2 * 1024 ** 2, 2 * 1024 ** 2, 1000]),
      alarms: [2, 3],
    },
    {
      title: 'A worker that should never be silent',
      options: { metric: 'messages', below: '1msg/s', for: '15s' },
      inputs: frames('messages', [20, 0, 0, 30, 0, 0, 0, 25]),
      alarms: [6],
    },
    {
      title: 'Three times the level of 10 seconds before; small values do not count',
      options: { rises_by: '3x', within: '10s', at_least: '1kB/s', for: '0s' },
      inputs: frames('bytes', [10, 10, 10, 90, 2000, 2000, 2100, 2000, 2000]),
      alarms: [4, 5],
    },
    {
      title: 'Messages of 1 KiB and more on average; nothing sent is no value',
      options: { metric: 'mean-size', above: '1KiB', for: '0s' },
      inputs: frames('mean-size', [200, null, 1500]),
      alarms: [2],
    },
  ],
  stateBytes: () => 200 + historyBytes,
  init: () => ({ end: null, held: { above: 0, below: 0, rises_by: 0, falls_by: 0 }, history: [] }),
  step,
};
