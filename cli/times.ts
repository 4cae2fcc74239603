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

/** Epoch ms of a flag: ISO 8601, or a duration before now. Nothing is older than 1970. */
export function timeFlag(flag: string, text: string, { now, zone }: Present): number {
  const ago = parseDuration(text);
  const time = ago === null ? zone.parse(text) : now - ago;
  if (time !== null) return Math.max(0, Math.floor(time));
  throw new UsageError({
    place: flag,
    expected: 'a duration ago with its unit, such as 12h, or a time such as 2026-01-31T22:00',
    found: printable(text) || 'nothing',
    remedy: remedyFor(text, zone),
  });
}

/** What is nearly right is a slip that is known. */
function remedyFor(text: string, zone: TimeZone): string {
  if (/^\d{1,3}$/.test(text)) return `Add the unit: ${text}h is ${text} hours ago, ${text}m minutes.`;
  const joined = text.replace(' ', 'T');
  if (joined !== text && zone.parse(joined) !== null)
    return `Write a T between day and time: ${printable(joined)}.`;
  if (/^\d{4}-\d\d-\d\d(T|$)/.test(text))
    return `There is no such day, hour or offset, or its form is another than 2026-01-31T22:00:00+01:00.`;
  return `Correct the flag. A time without an offset is taken in the time zone ${zone.name}.`;
}

/** The range of --from and --to; refuses an empty one. */
export function rangeFlags(flags: { from: string; to: string }, present: Present): Interval {
  const range = { from: timeFlag('--from', flags.from, present), to: timeFlag('--to', flags.to, present) };
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
