import { parseTime } from '../core/clock.ts';
import { parseDuration } from '../core/config/units.ts';
import { printable, TidegaugeError } from '../core/errors.ts';
import type { Interval } from '../core/interval.ts';

/** Epoch ms of a flag: ISO 8601, or a duration before `now`. */
export function timeFlag(flag: string, text: string, now: number): number {
  const ago = parseDuration(text);
  const time = ago === null ? parseTime(text) : now - ago;
  if (time !== null) return Math.floor(time);
  throw new TidegaugeError(
    {
      place: flag,
      expected: 'a time such as 2026-01-31T22:00Z, or a duration ago such as 12h',
      found: printable(text),
      remedy: 'Correct the flag.',
    },
    { exitCode: 2 },
  );
}

/** The range of --from and --to; refuses an empty one. */
export function rangeFlags(flags: { from: string; to: string }, now: number): Interval {
  const range = { from: timeFlag('--from', flags.from, now), to: timeFlag('--to', flags.to, now) };
  if (range.from < range.to) return range;
  throw new TidegaugeError(
    {
      place: '',
      found: `--from ${printable(flags.from)} is not before --to ${printable(flags.to)}`,
      remedy: 'Correct the flags.',
    },
    { exitCode: 2 },
  );
}
