import stringWidth from 'string-width';

/** Text by the columns of a terminal that it takes: wide characters take two, combining ones none. */

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });
const PLAIN = /^[\x20-\x7e]*$/;
/** Letters that run from right to left: Hebrew, Arabic, Syriac, Thaana, N'Ko and their like. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
/** Left-to-right mark: takes no column. */
const MARK = '\u200e';

/** Columns that a text takes. */
export const columnsOf = (text: string): number => (PLAIN.test(text) ? text.length : stringWidth(text));

/** Length of the longest beginning that fits into so many columns and splits no character. */
export function fitting(text: string, room: number): number {
  if (PLAIN.test(text)) return Math.min(text.length, Math.max(0, room));
  let length = 0;
  let taken = 0;
  for (const { segment } of GRAPHEMES.segment(text)) {
    taken += stringWidth(segment);
    if (taken > room) break;
    length += segment.length;
  }
  return length;
}

/** A text that is too long is cut at its end. */
export const cut = (text: string, room: number): string =>
  columnsOf(text) > room ? `${text.slice(0, fitting(text, room - 1))}…` : text;

/** A text that is too long is cut inside: what tells names apart is as often at their end as at their beginning. */
export function cutInside(text: string, room: number): string {
  if (columnsOf(text) <= room) return text;
  const tail = Math.floor((room - 1) / 2);
  const graphemes = Array.from(GRAPHEMES.segment(text), ({ segment }) => segment);
  let end = '';
  for (const segment of graphemes.reverse()) {
    if (columnsOf(segment + end) > tail) break;
    end = segment + end;
  }
  return `${text.slice(0, fitting(text, room - 1 - tail))}…${end}`;
}

/** In `room` columns, to the left unless it is a number: cut inside or filled with blanks. */
export function padded(text: string, room: number, isNumber = false): string {
  const shown = inOrder(cutInside(text, room));
  const blanks = ' '.repeat(Math.max(0, room - columnsOf(shown)));
  return isNumber ? blanks + shown : shown + blanks;
}

/** A name from right to left must not turn the numbers beside it around, where a terminal knows of directions. */
const inOrder = (text: string): string => (RIGHT_TO_LEFT.test(text) ? `${MARK}${text}${MARK}` : text);
