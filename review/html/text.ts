import { printable } from '../../core/errors.ts';
import type { Interval } from '../../core/interval.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import { type Html, html } from './html.ts';

/** Longest name that a page shows; the whole one is in its title. */
const NAME_LENGTH = 80;

/**
 * A name from outside: control characters shown as codes, cut, and kept apart from the text around it, so that one that is
 * written from right to left turns nothing else around.
 */
export function nameHtml(name: string, limit = NAME_LENGTH): Html {
  const shown = printable(name, limit);
  const whole = printable(name, 1000);
  return html`<bdi${shown === whole ? null : html` title="${whole}"`}>${shown}</bdi>`;
}

/** A name in the text of a picture, where there is no bdi: isolated by characters. */
export const nameText = (name: string, limit: number): string => `\u2068${printable(name, limit)}\u2069`;

/** `2026-01-31 22:00:00+01:00`, to be read by machines as well. */
export function timeHtml(epochMs: number, zone: TimeZone): Html {
  const text = zone.seconds(epochMs);
  return html`<time datetime="${text}">${text.replace('T', ' ')}</time>`;
}

/** The same, the second time without its day if that is the same. */
export function rangeHtml({ from, to }: Interval, zone: TimeZone): Html {
  const [start, end] = [zone.seconds(from), zone.seconds(to)];
  const isSameDay = start.slice(0, 10) === end.slice(0, 10);
  const until = isSameDay ? end.slice(11) : end.replace('T', ' ');
  return html`${timeHtml(from, zone)} to <time datetime="${end}">${until}</time>`;
}
