import type { Interval } from '../../../core/interval.ts';
import type { TimeZone } from '../../../core/time-zone.ts';
import { type Html, html, type Insert } from '../html.ts';
import { across, type TimeTick, timeTicks } from './scale.ts';

/**
 * What charts over time share. A picture is as wide as its place: positions across it are per cent, lines are drawn in a
 * nested picture that is stretched, and text keeps its size.
 */

/** Units that the stretched part is wide. */
export const WIDE = 1000;
/** Below the chart, for the axis, px. */
const AXIS = 20;
const TICKS = 6;

export interface Shaded extends Interval {
  /** Class of the rectangle: `incident`, `blind`. */
  readonly kind: string;
}

export interface TimeChart {
  /** What it shows, for who cannot see it: one sentence. */
  readonly label: string;
  readonly range: Interval;
  readonly zone: TimeZone;
  /** px, without the axis. */
  readonly height: number;
  readonly shaded: readonly Shaded[];
  /** Horizontal lines with what they mean. */
  readonly lines: readonly { readonly y: number; readonly text: string }[];
  /** What is stretched: x from 0 to WIDE, y in px. */
  readonly stretched: Insert;
}

/** A chart with time across it. */
export function timeChart({ label, range, zone, height, shaded, lines, stretched }: TimeChart): Html {
  const ticks = timeTicks(range, zone, TICKS);
  return html`<svg class="chart" width="100%" height="${height + AXIS}" role="img" aria-label="${label}">
${shaded.map(part => shadedHtml(part, range, height))}
${ticks.map(({ time }) => html`<line class="grid" x1="${across(time, range)}%" x2="${across(time, range)}%" y1="0" y2="${height}"/>`)}
${lines.map(({ y }) => html`<line class="grid" x1="0" x2="100%" y1="${y}" y2="${y}"/>`)}
<svg width="100%" height="${height}" viewBox="0 0 ${WIDE} ${height}" preserveAspectRatio="none">${stretched}</svg>
${lines.map(({ y, text }) => html`<text class="value" x="2" y="${Math.max(10, y - 3)}">${text}</text>`)}
${ticks.map(tick => tickHtml(tick, range, height + AXIS - 6))}
</svg>`;
}

function shadedHtml({ kind, ...part }: Shaded, range: Interval, height: number): Html {
  const [x, end] = [across(part.from, range), across(part.to, range)];
  // What is shorter than a pixel is still there.
  return html`<rect class="${kind}" x="${x}%" width="${Math.max(0.15, end - x).toFixed(2)}%" y="0" height="${height}"/>`;
}

function tickHtml({ time, text }: TimeTick, range: Interval, y: number): Html {
  const x = across(time, range);
  const anchor = x < 4 ? 'start' : x > 96 ? 'end' : 'middle';
  return html`<text class="tick" x="${x}%" y="${y}" text-anchor="${anchor}">${text}</text>`;
}
