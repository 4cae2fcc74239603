import type { Interval } from '../../../core/interval.ts';
import type { TimeZone } from '../../../core/time-zone.ts';

/** Positions and ticks of charts. Across a picture everything is in per cent, so that it fits any width. */

/** Per cent of the width at which a time is, to a hundredth; cut at the ends. */
export function across(time: number, { from, to }: Interval): number {
  const share = to > from ? (time - from) / (to - from) : 0;
  return Math.round(10_000 * Math.min(1, Math.max(0, share))) / 100;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map(n => n * 1000),
  ...[1, 2, 5, 10, 15, 30].map(n => n * MINUTE),
  ...[1, 2, 3, 6, 12].map(n => n * HOUR),
  ...[1, 2, 7, 14, 28, 84, 365].map(n => n * DAY),
];

/** A tick on the axis of time. */
export interface TimeTick {
  readonly time: number;
  /** `22:00`, `22:00:30`, or `01-31` at the beginning of a day. */
  readonly text: string;
}

/** Round times of the zone in an interval, at most `most` of them. */
export function timeTicks({ from, to }: Interval, zone: TimeZone, most: number): TimeTick[] {
  const step = TIME_STEPS.find(one => (to - from) / one <= most) ?? (to - from) / most;
  // Clocks are what is round, not the epoch. Where they change within the interval, ticks after that are as round as before.
  const day = zone.parse(zone.seconds(from).slice(0, 10)) ?? 0;
  const ticks: TimeTick[] = [];
  for (let time = day + Math.ceil((from - day) / step) * step; time <= to; time += step)
    ticks.push({ time, text: tickText(zone.seconds(time), step) });
  return ticks;
}

function tickText(text: string, step: number): string {
  const clock = text.slice(11, step < MINUTE ? 19 : 16);
  return step >= DAY || /^00:00(:00)?$/.test(clock) ? text.slice(5, 10) : clock;
}

/** Round values from 0 up to at least `most`, about three of them; the last one is the top of the chart. */
export function valueTicks(most: number, base: 1000 | 1024): number[] {
  if (!(most > 0)) return [0, 1];
  const unit = base ** Math.max(0, Math.floor(Math.log(most) / Math.log(base)));
  const rough = most / unit / 3;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find(n => n * magnitude >= rough) ?? 10) * magnitude * unit;
  const ticks = [0];
  while ((ticks.at(-1) ?? 0) < most) ticks.push(ticks.length * step);
  return ticks;
}
