import { formatValue } from '../../../core/config/units.ts';
import type { Interval } from '../../../core/interval.ts';
import { type Html, html } from '../html.ts';
import { type TimeChart, timeChart, WIDE } from './frame.ts';
import { valueTicks } from './scale.ts';

/** A value over a stretch of time; null: nothing is known. */
export interface Point extends Interval {
  readonly value: number | null;
}

/** What would have been normal in a stretch of time; null: open on that side. */
export interface Allowed extends Interval {
  readonly low: number | null;
  readonly high: number | null;
}

export interface LineChart extends Omit<TimeChart, 'lines' | 'stretched'> {
  readonly unit: string;
  /** Class of the line. */
  readonly kind: string;
  readonly points: readonly Point[];
  readonly allowed: readonly Allowed[];
}

/** Room above the greatest value. */
const HEADROOM = 1.08;

/** Values over time as a line of steps, with the band of what would have been normal. */
export function lineChart({ unit, kind, points, allowed, ...chart }: LineChart): Html {
  const { range, height } = chart;
  const values = points.flatMap(({ value }) => value ?? []);
  const highs = allowed.flatMap(({ high }) => high ?? []);
  const lows = allowed.flatMap(({ low }) => low ?? []);
  const top = Math.max(0, ...values, ...highs, ...lows) * HEADROOM;
  const ticks = valueTicks(top, unit.startsWith('B') ? 1024 : 1000);
  const most = Math.max(top, ticks.at(-2) ?? 0) || 1;
  const y = (value: number): number =>
    Math.round(10 * (height - (height * Math.min(value, most)) / most)) / 10;
  const x = (time: number): number =>
    Math.round(
      (10 * WIDE * (Math.min(Math.max(time, range.from), range.to) - range.from)) / (range.to - range.from),
    ) / 10;
  const band = allowed
    .map(({ from, to, low, high }) => {
      const [left, right, up, down] = [x(from), x(to), y(high ?? most), y(low ?? 0)];
      return right > left ? `M${left} ${up}H${right}V${down}H${left}Z` : '';
    })
    .join('');
  return timeChart({
    ...chart,
    lines: ticks
      .filter(tick => tick > 0 && tick <= most)
      .map(tick => ({ y: y(tick), text: formatValue(tick, unit) })),
    stretched: html`<path class="band" d="${band}"/>
<path class="bound" d="${boundsPath(allowed, x, y)}"/>
<path class="line ${kind}" d="${stepPath(points, x, y)}"/>`,
  });
}

type Scale = (value: number) => number;

/** A flat line over each stretch, joined where one follows the other; nothing where nothing is known. */
function stepPath(points: readonly Point[], x: Scale, y: Scale): string {
  let path = '';
  let end: number | null = null;
  for (const { from, to, value } of points) {
    if (value === null) end = null;
    else {
      // Frames may be apart by a moment.
      path += end !== null && from - end <= 1000 ? `V${y(value)}` : `M${x(from)} ${y(value)}`;
      path += `H${x(to)}`;
      end = to;
    }
  }
  return path;
}

function boundsPath(allowed: readonly Allowed[], x: Scale, y: Scale): string {
  const bound = (key: 'low' | 'high') =>
    stepPath(
      allowed.map(one => ({ from: one.from, to: one.to, value: one[key] })),
      x,
      y,
    );
  return bound('high') + bound('low');
}
