import { isoTime } from '../../core/clock.ts';
import type { Interval } from '../../core/interval.ts';
import { lostPlace } from './operation.ts';

/** Rows that are read in the order of their time. */
interface Timed {
  /** Epoch ms. */
  readonly start: number;
}

/**
 * One page of rows that are too many to be read at once. Where it ends is `TIME~N`: the next page skips N rows of that
 * time, and reads nothing before it. Throws a UsageError when `after` is no such place.
 *
 * @param read rows of a range, ascending by time; those of one time always in the same order
 */
export async function streamPage<R extends Timed>(
  read: (range: Interval) => AsyncIterable<R>,
  isWanted: (row: R) => boolean,
  range: Interval,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<{ readonly page: readonly R[]; readonly next: string | null }> {
  const begin = after === undefined ? { time: range.from, skip: 0 } : placeOf(after, range);
  const page: R[] = [];
  /** Rows so far of the time of the row before, wanted or not. */
  let at = { time: Number.NaN, count: 0 };
  let end = at;
  for await (const row of read({ from: begin.time, to: range.to })) {
    at = row.start === at.time ? { ...at, count: at.count + 1 } : { time: row.start, count: 1 };
    if (after !== undefined && row.start === begin.time && at.count <= begin.skip) continue;
    if (!isWanted(row)) continue;
    if (page.length === limit) return { page, next: `${isoTime(end.time)}~${end.count}` };
    page.push(row);
    end = at;
  }
  return { page, next: null };
}

function placeOf(after: string, range: Interval): { readonly time: number; readonly skip: number } {
  const [, text = '', skip = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)~(\d{1,9})$/.exec(after) ?? [];
  const time = Date.parse(text);
  if (Number.isNaN(time) || time >= range.to) throw lostPlace(after);
  return { time, skip: Number(skip) };
}
