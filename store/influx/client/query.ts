import { z } from 'zod';
import { integer, type Row } from '../../row.ts';
import { failedStatement, lostExchange, strangeAnswer } from './failure.ts';
import { type Answer, type Connection, refusal, request } from './http.ts';
import { readParameters, type Target } from './target.ts';

const PATH = '/query';

const series = z.object({
  /** Of a grouped answer. */
  tags: z.record(z.string(), z.string()).default({}),
  columns: z.array(z.string()),
  // Cells are checked where they are used (store/row.ts).
  values: z.array(z.custom<unknown[]>(Array.isArray)).default([]),
});

/** One line of a chunked answer. `partial`: another line follows. */
const chunk = z.object({
  error: z.string().optional(),
  results: z
    .array(
      z.object({
        error: z.string().optional(),
        partial: z.boolean().default(false),
        series: z.array(series).default([]),
      }),
    )
    .default([]),
});

/**
 * Run one InfluxQL statement and return all its rows, column by name, times in epoch ms. The answer is asked for in
 * chunks: the server then needs little memory, its `max-row-limit` does not cut the answer, and an answer that ends
 * too soon is noticed. Rejects with an InfluxFailure; errors inside an answer of status 200 count.
 */
export async function query(connection: Connection, target: Target, statement: string): Promise<Row[]> {
  const place = `${connection.url}${PATH}`;
  const form = {
    ...readParameters(target),
    q: statement,
    epoch: 'ms',
    chunked: 'true',
    chunk_size: '10000',
  };
  const answer = await request(connection, PATH, { method: 'POST', form });
  if (answer.status !== 200) throw refusal(connection, PATH, answer);
  const rows: Row[] = [];
  let isPartial = false;
  for (const part of chunksOf(place, answer)) {
    const [result] = part.results;
    const error = part.error ?? result?.error;
    if (error !== undefined) throw failedStatement(place, error);
    for (const { tags, columns, values } of result?.series ?? []) {
      for (const cells of values) rows.push(checked(place, { ...tags, ...rowOf(columns, cells) }));
    }
    isPartial = result?.partial ?? false;
  }
  if (isPartial) throw lostExchange(place, new Error('the answer ends in the middle'));
  return rows;
}

/** Rows of `container_traffic` have a column for every bucket, nearly all without a value: those are left out. */
function rowOf(columns: readonly string[], cells: readonly unknown[]): Row {
  const row: Record<string, unknown> = {};
  for (const [i, column] of columns.entries()) {
    const cell = cells[i];
    if (cell !== null && cell !== undefined) row[column] = cell;
  }
  return row;
}

/** Pages go on from the time of their last row, so a time that is none must not get that far. */
function checked(place: string, row: Row): Row {
  try {
    if (row.time !== undefined) integer(row, 'time');
    return row;
  } catch (error) {
    throw strangeAnswer(place, error);
  }
}

function chunksOf(place: string, answer: Answer): z.output<typeof chunk>[] {
  try {
    const lines = answer.body.split('\n').filter(line => line.trim() !== '');
    return lines.map(line => chunk.parse(JSON.parse(line)));
  } catch (error) {
    throw strangeAnswer(place, error);
  }
}
