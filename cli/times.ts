import { parseDuration } from '../core/config/units.ts';
import { printable, UsageError } from '../core/errors.ts';
import type { Interval } from '../core/interval.ts';
import type { TimeZone } from '../core/time-zone.ts';

/** What the times of flags are relative to. */
export interface Present {
  /** Epoch ms. */
  readonly now: number;
  /** Of times without an offset. */
  readonly zone: TimeZone;
}

/**
 * Epoch ms of a flag: ISO 8601, a time of day such as 22:00, which is the latest one, or a duration before now. Nothing is
 * older than 1970. `latest`, epoch ms: a time of day is that of before then, instead of now.
 */
export function timeFlag(flag: string, text: string, { now, zone }: Present, latest = now): number {
  const ago = parseDuration(text);
  const time = ago === null ? (zone.parse(text) ?? timeOfDay(text, latest, zone)) : now - ago;
  if (time !== null) return Math.max(0, Math.floor(time));
  throw new UsageError({
    place: flag,
    expected: 'a duration ago with its unit, such as 12h, or a time such as 2026-01-31T22:00 or 22:00',
    found: printable(text) || 'nothing',
    remedy: remedyFor(text, zone),
  });
}

/** The latest moment, up to `latest`, at which the clocks of the zone showed this time of day; null: it is none. */
function timeOfDay(text: string, latest: number, zone: TimeZone): number | null {
  if (!/^\d\d:\d\d(:\d\d)?$/.test(text)) return null;
  const day = (ms: number): string => zone.seconds(ms).slice(0, 10);
  // A day earlier or later the date is another one in any zone.
  for (const near of [latest + DAY_MS, latest, latest - DAY_MS]) {
    const moment = zone.parse(`${day(near)}T${text}`);
    if (moment !== null && moment <= latest) return moment;
  }
  return null;
}

const DAY_MS = 86_400_000;

/** What is nearly right is a slip that is known. */
function remedyFor(text: string, zone: TimeZone): string {
  if (/^\d:\d\d(:\d\d)?$/.test(text)) return `Write 0${text}: an hour has two digits.`;
  if (/^\d\d:\d\d(:\d\d)?$/.test(text)) return 'There is no such time of day: they go from 00:00 to 23:59.';
  if (/^\d{1,3}$/.test(text)) return `Add the unit: ${text}h is ${text} hours ago, ${text}m minutes.`;
  const joined = text.replace(' ', 'T');
  if (joined !== text && zone.parse(joined) !== null)
    return `Write a T between day and time: ${printable(joined)}.`;
  if (/^\d{4}-\d\d-\d\d(T|$)/.test(text))
    return `There is no such day, hour or offset, or its form is another than 2026-01-31T22:00:00+01:00.`;
  return `Correct the flag. A time without an offset is taken in the time zone ${zone.name}.`;
}

/**
 * The range of --from and --to; refuses an empty one. A time of day in --from is the latest one before the end: `--from
 * 22:00 --to 08:00` is a night.
 */
export function rangeFlags(flags: { from: string; to: string }, present: Present): Interval {
  const to = timeFlag('--to', flags.to, present);
  const range = { from: timeFlag('--from', flags.from, present, to - 1), to };
  if (range.from < range.to) return range;
  throw new UsageError({
    place: '',
    found: `--from ${printable(flags.from)} is not before --to ${printable(flags.to)}`,
    remedy: 'Correct the flags.',
  });
}

/** Now, and the zone of a command. */
export const presentOf = ({
  clock,
  zone,
}: {
  readonly clock: { now(): number };
  readonly zone: TimeZone;
}): Present => ({ now: clock.now(), zone });
