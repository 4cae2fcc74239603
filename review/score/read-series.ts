import { printable, UsageError } from '../../core/errors.ts';
import { fieldsOf, type Separator, separatorOf } from './csv.ts';
import type { Refused, Series } from './series.ts';
import { parseStamp } from './stamp.ts';

/** All rows are held to be sorted: more than this would not fit into the memory of an ordinary machine. */
const MOST_ROWS = 10_000_000;
/** A longer line is no row of a series. */
const LONGEST_LINE = 10_000;
const SHOWN_REFUSALS = 5;

const NAMES = {
  time: /^(timestamps?|time|date|datetime|ts)$/i,
  value: /^(values?|y)$/i,
  label: /^(labels?|is_anomaly|anomaly)$/i,
};
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const NOTHING = /^(|nan|null|none|na|n\/a)$/i;
const LABELS: Readonly<Record<string, boolean>> = { '': false, 0: false, 1: true, false: false, true: true };

interface Columns {
  readonly time: number;
  readonly value: number;
  /** -1: there is none. */
  readonly label: number;
}

interface Row {
  readonly stamp: string;
  readonly time: number;
  readonly value: number;
  readonly label: boolean;
}

/**
 * A series of `timestamp,value[,label]` lines: with or without a header, in any order, with holes and repeated times.
 * A value may be missing; a line that is no row is refused and counted.
 *
 * @param lines without line ends
 * @param place names the source in messages
 * @throws UsageError when there is no row, or there are more than fit into memory
 */
export async function readSeries(
  lines: AsyncIterable<string> | Iterable<string>,
  place: string,
): Promise<Series> {
  const reader = new Reader();
  for await (const line of lines) {
    reader.take(line);
    if (reader.rows.length > MOST_ROWS) throw tooLong(place);
  }
  if (reader.rows.length === 0) throw nothing(place, reader.refused());
  return reader.series();
}

class Reader {
  readonly rows: Row[] = [];
  private line = 0;
  private separator: Separator | null = null;
  private columns: Columns = { time: 0, value: 1, label: 2 };
  private width = 0;
  private refusals = 0;
  private readonly first: { line: number; why: string }[] = [];

  /** A line of the file, in order. */
  take(text: string): void {
    this.line++;
    const line = this.line === 1 ? text.replace(/^\uFEFF/, '') : text;
    if (line.trim() === '') return;
    const isFirst = this.separator === null;
    this.separator ??= separatorOf(line);
    const fields = line.length > LONGEST_LINE ? 'is too long' : fieldsOf(line, this.separator);
    if (fields === null) this.refuse('has quotes that do not match');
    else if (typeof fields === 'string') this.refuse(fields);
    else if (isFirst && isHeader(fields)) this.columns = columnsOf(fields);
    else this.takeFields(fields);
  }

  private takeFields(fields: readonly string[]): void {
    const row = rowOf(fields, this.columns);
    if (typeof row === 'string') this.refuse(row);
    else {
      this.width = Math.max(this.width, fields.length);
      this.rows.push(row);
    }
  }

  private refuse(why: string): void {
    this.refusals++;
    if (this.first.length < SHOWN_REFUSALS) this.first.push({ line: this.line, why });
  }

  refused(): Refused {
    return { count: this.refusals, first: this.first };
  }

  series(): Series {
    const { rows } = this;
    const places = rows.map((_, i) => i);
    places.sort((a, b) => (rows[a] as Row).time - (rows[b] as Row).time);
    const sorted = places.map(place => rows[place] as Row);
    const labelled = this.columns.label >= 0 && this.width > this.columns.label;
    return {
      times: sorted.map(row => row.time),
      values: sorted.map(row => row.value),
      labels: labelled ? sorted.map(row => row.label) : null,
      stamps: sorted.map(row => row.stamp),
      places,
      refused: this.refused(),
    };
  }
}

/** Names, where a row has a time and a number. */
const isHeader = ([time = '', value = '']: readonly string[]): boolean =>
  parseStamp(time) === null && !NUMBER.test(value);

/** By their names; what has no known name is first time, second value, and no label. */
function columnsOf(names: readonly string[]): Columns {
  const find = (name: RegExp, otherwise: number) => {
    const found = names.findIndex(text => name.test(text));
    return found < 0 ? otherwise : found;
  };
  return { time: find(NAMES.time, 0), value: find(NAMES.value, 1), label: find(NAMES.label, -1) };
}

/** A row, or why there is none. */
function rowOf(fields: readonly string[], columns: Columns): Row | string {
  const stamp = fields[columns.time] ?? '';
  const time = parseStamp(stamp);
  if (time === null) return `has no time, but ${shown(stamp)}`;
  const text = fields[columns.value];
  if (text === undefined) return 'has no second column';
  const value = NOTHING.test(text) ? Number.NaN : NUMBER.test(text) ? Number(text) : null;
  if (value === null || Math.abs(value) === Number.POSITIVE_INFINITY)
    return `has no number, but ${shown(text)}`;
  const label = LABELS[(fields[columns.label] ?? '').toLowerCase()];
  if (label === undefined) return `has a label other than 0 and 1: ${shown(fields[columns.label] ?? '')}`;
  return { stamp, time, value, label };
}

const shown = (text: string): string => `"${printable(text, 40)}"`;

/** `line 3 has no time, but "x"; line 9 …` */
export const refusalText = ({ first }: Refused): string =>
  first.map(({ line, why }) => `line ${line} ${why}`).join('; ');

const tooLong = (place: string) =>
  new UsageError({
    place: printable(place),
    expected: `at most ${MOST_ROWS} rows`,
    found: 'more',
    remedy: 'Give a part of the series, or a coarser one.',
  });

function nothing(place: string, refused: Refused): UsageError {
  const found =
    refused.count === 0 ? 'it has no rows' : `none of its lines is a row: ${refusalText(refused)}`;
  return new UsageError({
    place: printable(place),
    found,
    remedy: 'Give lines of timestamp,value such as 2026-01-31T22:00:00Z,17.5 or 1769896800,17.5.',
  });
}
