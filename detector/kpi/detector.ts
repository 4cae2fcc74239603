import { z } from 'zod';
import { formatValue } from '../../core/config/units.ts';
import type { Evidence } from '../../core/incident/verdict.ts';
import { UNIT_OF } from '../../core/traffic/series.ts';
import type { Detector, SeriesInput } from '../contract.ts';
import { directionOption, metricOption, seriesOf } from '../shared/options.ts';
import { type Finding, judge, type Model, newModel, WARM_UP_ROWS } from './model.ts';

const options = z.strictObject({ metric: metricOption(), direction: directionOption() });

type Options = z.output<typeof options>;

function evidenceOf(value: number, { view, seen, expected }: Finding, unit: string): Evidence {
  const text = (x: number) => formatValue(x, unit);
  const why = {
    surprise: () =>
      expected === null ? `${text(value)}, far from its level` : `${text(value)}, forecast ${text(expected)}`,
    novelty: () => `${text(value)}, unlike any value before`,
    context: () => `${text(seen)} in half an hour, expected ${text(expected ?? 0)} at this time`,
  }[view];
  return { seen: value, low: null, high: null, unit, text: why() };
}

/** Three tails, slots and jumps of the forecast, the profile, three lists of known values with times, day and week. */
const NUMBERS = 3 * 96 + 48 * 2 + 48 * 3 + 48 + 2 * (64 + 128 + 64) + 48 + 336 + 100;
/** Digits, sign, exponent and comma, and some for names. About half of that is used. */
const BYTES_PER_NUMBER = 26;

/** Inputs of an example: a value a minute. */
const minutes = (count: number, at: (minute: number) => number): SeriesInput[] =>
  Array.from({ length: count }, (_, i) => ({
    start: i * 60_000,
    durationMs: 60_000,
    direction: 'send',
    metric: 'bytes',
    value: at(i),
  }));

/** 1 MB/s with a ripple that never repeats within an example. */
const ripple = (minute: number): number =>
  1e6 + 2e4 * Math.sin(minute * 1.7) + 1e4 * Math.sin(minute * minute);

export const kpi: Detector<'series', Options, Model> = {
  name: 'kpi',
  summary:
    'Rare in its own series: a value that was not forecast, that was never seen, or that belongs to another time of day. For frames of a minute.',
  scope: 'series',
  input: 'traffic',
  options,
  series: seriesOf,
  examples: [
    {
      title: 'A minute at twice the usual traffic alarms, and the same an hour later is no news',
      options: {},
      inputs: minutes(600, minute => ripple(minute) * (minute === 500 || minute === 560 ? 2 : 1)),
      alarms: [500],
    },
    {
      title: 'A series that stands still is no anomaly, its first movement is one',
      options: {},
      inputs: minutes(300, minute => (minute < 250 ? 5e5 : 6e5)),
      alarms: [250],
    },
  ],
  stateBytes: () => NUMBERS * BYTES_PER_NUMBER,
  init: newModel,
  step(state, { start, durationMs, value, metric }) {
    if (value === null) return { state, opinion: { abstain: 'no value' } };
    const finding = judge(state, start, value);
    if (finding === null) {
      const until = start + Math.max(1, WARM_UP_ROWS + 1 - state.rows) * durationMs;
      return { state, opinion: { abstain: 'warming up', until } };
    }
    const evidence = evidenceOf(value, finding, UNIT_OF[metric]);
    return { state, opinion: { score: finding.score, evidence } };
  },
};
