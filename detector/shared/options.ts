import { z } from 'zod';
import { parseRate, parseSize } from '../../core/config/units.ts';
import { DIRECTIONS, type Direction } from '../../core/traffic/frame.ts';
import { METRICS, type Metric, UNIT_OF } from '../../core/traffic/series.ts';

/** Options that detectors of series have in common. */

export type Unit = (typeof UNIT_OF)[Metric];

/** A value with its unit: a rate per second, or a size in bytes. */
export interface Quantity {
  readonly value: number;
  readonly unit: Unit;
}

/** A multiple of another level. */
export interface Factor {
  readonly factor: number;
}

/** An example of a text in each unit, for messages. */
const SAMPLE: Readonly<Record<Unit, string>> = { 'B/s': '10MiB/s', 'msg/s': '500msg/s', B: '1KiB' };

export const metricOption = () =>
  z
    .enum(METRICS)
    .default('bytes')
    .describe('What is judged: bytes per second, messages per second, or the mean size of a message.');

export const directionOption = () =>
  z
    .enum([...DIRECTIONS, 'both'])
    .default('both')
    .describe('Which traffic; `both` judges each on its own.');

/** The series that the two options above ask for, in canonical order. */
export function seriesOf(options: { metric: Metric; direction: Direction | 'both' }) {
  const directions = options.direction === 'both' ? DIRECTIONS : [options.direction];
  return directions.map(direction => ({ direction, metric: options.metric }));
}

/** A rate or size such as `10MiB/s`, `500msg/s` or `1KiB`; value and unit inside. `positive` refuses 0. */
export function quantity(bounds: { positive?: boolean } = {}) {
  const what = `a rate or size with a unit${bounds.positive ? ', above 0' : ''}, such as 10MiB/s, 500msg/s or 1KiB`;
  return z.string({ error: what }).transform((text, context): Quantity => {
    const value = parseQuantity(text);
    if (value !== null && !(bounds.positive && value.value === 0)) return value;
    context.addIssue({ code: 'custom', message: what });
    return z.NEVER;
  });
}

/** A change: a factor above 1 such as `3x`, or a rate or size such as `10MiB/s`. */
export function change() {
  const what = 'a factor above 1 such as 3x, or a rate or size above 0 with a unit, such as 10MiB/s';
  return z.string({ error: what }).transform((text, context): Factor | Quantity => {
    const factor = /^(\d+(?:\.\d+)?)x$/.exec(text);
    if (factor && Number(factor[1]) > 1) return { factor: Number(factor[1]) };
    const value = parseQuantity(text);
    if (value !== null && value.value > 0) return value;
    context.addIssue({ code: 'custom', message: what });
    return z.NEVER;
  });
}

function parseQuantity(text: string): Quantity | null {
  const rate = parseRate(text);
  if (rate !== null) return rate;
  const bytes = parseSize(text);
  return bytes === null ? null : { value: bytes, unit: 'B' };
}

export const isFactor = (value: Factor | Quantity): value is Factor => 'factor' in value;

/** Refuses each option whose unit is not the metric's. To be used in a schema's `superRefine`. */
export function checkUnits(
  metric: Metric,
  values: Readonly<Record<string, Quantity | Factor | undefined>>,
  context: z.RefinementCtx,
): void {
  const unit = UNIT_OF[metric];
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined || isFactor(value) || value.unit === unit) continue;
    const message = `a value in ${unit} (such as ${SAMPLE[unit]}), because the metric is ${metric}`;
    context.addIssue({ code: 'custom', path: [key], message });
  }
}
