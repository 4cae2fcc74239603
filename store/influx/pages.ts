import type { Range } from '../contract.ts';
import { integer, type Row } from '../row.ts';
import { InfluxFailure } from './failure.ts';
import { epoch } from './influxql.ts';

/**
 * Rows over a range of time. InfluxDB 3 Core refuses a query that touches more than some hundred files, which hold a
 * few days, and of any version the answer can be longer than this process should hold: the halves of its range are
 * asked for then, and theirs.
 */

/** Asks for the rows of a part of the range, which is finite. */
export type ReadPart = (part: Range) => Promise<Row[]>;

export interface PageOptions {
  /** How many rows one answer has at most. After a full page the rest of its range is asked for; needs ascending rows. */
  readonly limit?: number;
  /** Later parts of the range first. The order within an answer is a matter of `read`. */
  readonly newestFirst?: boolean;
}

/** The answers, without empty ones. */
export async function* pages(
  range: Range,
  read: ReadPart,
  { limit = Number.POSITIVE_INFINITY, newestFirst = false }: PageOptions = {},
): AsyncGenerator<Row[]> {
  /** What is to be read yet, the next part last. */
  const left: Range[] = [{ from: epoch(range.from), to: epoch(range.to) }];
  for (let part = left.pop(); part; part = left.pop()) {
    if (part.from >= part.to) continue;
    const answer = await answerOf(part, read);
    if ('halves' in answer) {
      const [first, second] = answer.halves;
      left.push(...(newestFirst ? [first, second] : [second, first]));
      continue;
    }
    const last = answer.rows.at(-1);
    if (!last) continue;
    if (answer.rows.length === limit) left.push({ from: integer(last, 'time') + 1, to: part.to });
    yield answer.rows;
  }
}

/** All rows, part by part. A bucket of `GROUP BY time()` can come in two. */
export async function allRows(range: Range, read: ReadPart): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const page of pages(range, read)) for (const row of page) rows.push(row);
  return rows;
}

/** The first row of the first answer that has one. */
export async function firstRow(range: Range, read: ReadPart, options?: PageOptions): Promise<Row | null> {
  for await (const [row] of pages(range, read, options)) return row ?? null;
  return null;
}

type Answer = { readonly rows: Row[] } | { readonly halves: readonly [Range, Range] };

async function answerOf(part: Range, read: ReadPart): Promise<Answer> {
  try {
    return { rows: await read(part) };
  } catch (error) {
    const middle = Math.floor((part.from + part.to) / 2);
    if (!(error instanceof InfluxFailure && error.isTooWide) || middle === part.from) throw error;
    return {
      halves: [
        { from: part.from, to: middle },
        { from: middle, to: part.to },
      ],
    };
  }
}
