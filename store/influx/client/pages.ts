import type { Interval } from '../../../core/interval.ts';
import { integer, type Row } from '../../row.ts';
import { InfluxFailure } from './failure.ts';
import { epoch } from './influxql.ts';

/**
 * Rows over a range of time. InfluxDB 3 Core refuses a query that touches more than some hundred files, which hold a
 * few days: the range is cut where its files say. Of any version the answer can be longer than this process should hold:
 * the halves of its range are asked for then, and theirs.
 */

/** One measurement, as it is read. */
export interface Source {
  /** Rows of a statement's answer. */
  readonly query: (statement: string) => Promise<Row[]>;
  /** Times of the files of it that the range touches, by their first; empty when that is not known. */
  readonly files: (range: Interval) => Promise<readonly FileTimes[]>;
}

/** First and last time in a file, epoch ms. */
export interface FileTimes {
  readonly first: number;
  readonly last: number;
}

/** The statement for the rows of a part of the range, which is finite. */
export type ReadPart = (part: Interval) => string;

export interface PageOptions {
  /** How many rows one answer has at most. After a full page the rest of its range is asked for; needs ascending rows. */
  readonly limit?: number;
  /** Later parts of the range first. The order within an answer is a matter of the statement. */
  readonly newestFirst?: boolean;
}

/** The answers, without empty ones. */
export async function* pages(
  source: Source,
  range: Interval,
  read: ReadPart,
  { limit = Number.POSITIVE_INFINITY, newestFirst = false }: PageOptions = {},
): AsyncGenerator<Row[]> {
  /** What is to be read yet, the next part last. */
  const left: Interval[] = [{ from: epoch(range.from), to: epoch(range.to) }];
  for (let part = left.pop(); part; part = left.pop()) {
    if (part.from >= part.to) continue;
    const answer = await answerOf(source, part, read);
    if ('parts' in answer) {
      left.push(...(newestFirst ? answer.parts : answer.parts.toReversed()));
      continue;
    }
    const last = answer.rows.at(-1);
    if (!last) continue;
    if (answer.rows.length === limit) left.push({ from: integer(last, 'time') + 1, to: part.to });
    yield answer.rows;
  }
}

/** All rows, part by part. A bucket of `GROUP BY time()` can come in two. */
export async function allRows(source: Source, range: Interval, read: ReadPart): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const page of pages(source, range, read)) for (const row of page) rows.push(row);
  return rows;
}

/** The first row of the first answer that has one. */
export async function firstRow(
  source: Source,
  range: Interval,
  read: ReadPart,
  options?: PageOptions,
): Promise<Row | null> {
  for await (const [row] of pages(source, range, read, options)) return row ?? null;
  return null;
}

/** Rows, or parts of the range, ascending, to be asked for instead. */
type Answer = { readonly rows: Row[] } | { readonly parts: readonly Interval[] };

async function answerOf(source: Source, part: Interval, read: ReadPart): Promise<Answer> {
  try {
    return { rows: await source.query(read(part)) };
  } catch (error) {
    const middle = Math.floor((part.from + part.to) / 2);
    if (!(error instanceof InfluxFailure && error.isTooWide) || middle === part.from) throw error;
    const cuts = error.fileLimit === null ? [] : cutsOf(await source.files(part), error.fileLimit, part);
    return { parts: partsOf(part, cuts.length > 0 ? cuts : [middle]) };
  }
}

/** Where to cut a range, ascending, so that each part touches at most `limit` of its files. */
function cutsOf(files: readonly FileTimes[], limit: number, { from, to }: Interval): number[] {
  const cuts: number[] = [];
  let touched: FileTimes[] = [];
  for (const file of files) {
    if (touched.length >= limit) {
      if (file.first > (cuts.at(-1) ?? from) && file.first < to) cuts.push(file.first);
      touched = touched.filter(({ last }) => last >= file.first);
    }
    touched.push(file);
  }
  return cuts;
}

function partsOf({ from, to }: Interval, cuts: readonly number[]): Interval[] {
  return [from, ...cuts].map((start, i) => ({ from: start, to: cuts[i] ?? to }));
}
