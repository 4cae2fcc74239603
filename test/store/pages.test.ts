import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Interval } from '../../core/interval.ts';
import { refusedAnswer } from '../../store/influx/client/failure.ts';
import { allRows, type FileTimes, firstRow, pages, type Source } from '../../store/influx/client/pages.ts';
import type { Row } from '../../store/row.ts';

/** As InfluxDB 3.6.0 says it. */
const refusal = (files: number) =>
  `query error: error while planning query: External error: Query would exceed file limit of ${files} parquet files. ` +
  'Please specify a smaller time range for your query. You can increase the file limit with the ' +
  '`--query-file-limit` option in the serve command, however, query performance will be slower and the server may ' +
  'get OOM killed or become unstable as a result';

const tooWide = (files: number) =>
  refusedAnswer('http://db/query', { status: 500, body: refusal(files), retryAfter: undefined });

interface Asked extends Interval {
  readonly order?: 1 | -1;
  readonly limit?: number;
}
const statement = (asked: Asked) => JSON.stringify(asked);

/**
 * A database of rows at these times, in files of which each reaches to the time of the next; it refuses to look at more
 * than `most` of them in one query, and `tells` which there are.
 */
function databaseOf(times: readonly number[], most: number, { tells = false } = {}) {
  const asked: Interval[] = [];
  const sorted = times.toSorted((a, b) => a - b);
  const all: FileTimes[] = sorted.map((first, i) => ({ first, last: sorted[i + 1] ?? first }));
  const touched = ({ from, to }: Interval) => all.filter(({ first, last }) => first < to && last >= from);
  const source: Source = {
    async query(text) {
      const { from, to, order = 1, limit } = JSON.parse(text) as Asked;
      asked.push({ from, to });
      if (touched({ from, to }).length > most) throw tooWide(most);
      const found = ascending(times, { from, to }).map(time => ({ time }));
      return (order === 1 ? found : found.toReversed()).slice(0, limit);
    },
    files: async range => (tells ? touched(range) : []),
  };
  return { source, asked };
}

const someTimes = fc.uniqueArray(fc.integer({ min: -5000, max: 1_700_000_000_000 }), { maxLength: 40 });
const someRange = fc.oneof(
  fc.constant({ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }),
  fc
    .tuple(fc.integer({ min: -5000, max: 1_700_000_000_000 }), fc.nat({ max: 1_000_000_000_000 }))
    .map(([from, length]) => ({ from, to: from + length })),
);
const ascending = (times: readonly number[], { from, to }: Interval) =>
  times.filter(time => from <= time && time < to).sort((a, b) => a - b);
const ALL = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
const timesOf = (rows: readonly Row[]) => rows.map(row => row.time);

/** A file reaches to the next, so that a moment can touch two. */
const someLimit = fc.integer({ min: 2, max: 6 });

describe('rows of a range', () => {
  it('are all there, in order, however little of it one query may touch', async () => {
    await fc.assert(
      fc.asyncProperty(someTimes, someRange, someLimit, fc.boolean(), async (times, range, most, tells) => {
        const { source } = databaseOf(times, most, { tells });
        expect(timesOf(await allRows(source, range, statement))).toEqual(ascending(times, range));
      }),
    );
  });

  it('come in pages of at most a limit, none twice', async () => {
    const limits = fc.tuple(someLimit, fc.integer({ min: 1, max: 7 }), fc.boolean());
    await fc.assert(
      fc.asyncProperty(someTimes, someRange, limits, async (times, range, [most, limit, tells]) => {
        const { source } = databaseOf(times, most, { tells });
        const found: Row[] = [];
        for await (const page of pages(source, range, part => statement({ ...part, limit }), { limit })) {
          expect(page.length).toBeGreaterThan(0);
          found.push(...page);
        }
        expect(timesOf(found)).toEqual(ascending(times, range));
      }),
    );
  });

  it('the first and the last are found from either end', async () => {
    await fc.assert(
      fc.asyncProperty(someTimes, someRange, someLimit, fc.boolean(), async (times, range, most, tells) => {
        const { source } = databaseOf(times, most, { tells });
        const expected = ascending(times, range);
        expect((await firstRow(source, range, statement))?.time).toBe(expected[0]);
        const newest = (part: Interval) => statement({ ...part, order: -1 });
        expect((await firstRow(source, range, newest, { newestFirst: true }))?.time).toBe(expected.at(-1));
      }),
    );
  });

  it('are asked for with one refusal where the server tells of its files, and with as few queries as it allows', async () => {
    const times = Array.from({ length: 1000 }, (_, i) => 1_700_000_000_000 + i * 600_000);
    const { source, asked } = databaseOf(times, 100, { tells: true });
    expect(timesOf(await allRows(source, ALL, statement))).toEqual(times);
    // One of the files that a part touches is that of the part before.
    expect(asked).toHaveLength(1 + Math.ceil(1000 / 99));
    asked.length = 0;
    expect((await firstRow(source, ALL, statement))?.time).toBe(times[0]);
    expect(asked).toHaveLength(2);
  });

  it('are asked for once where nothing is refused, and not at all in an empty range', async () => {
    const { source, asked } = databaseOf([1, 2, 3], 10);
    await allRows(source, { from: 1.5, to: 2.5 }, statement);
    await allRows(source, { from: 5, to: 5 }, statement);
    expect(asked).toEqual([{ from: 2, to: 3 }]);
  });

  it.each([false, true])(
    'a single moment that is too much is a failure for good that says what to raise (files told: %s)',
    async tells => {
      const times = { first: 500, last: 500 };
      const source = {
        query: () => Promise.reject(tooWide(2)),
        files: async () => (tells ? [times, times, times] : []),
      };
      await expect(allRows(source, { from: 0, to: 1000 }, statement)).rejects.toMatchObject({
        retry: false,
        message: expect.stringContaining('Raise --query-file-limit'),
      });
    },
  );

  it('any other failure is passed on at once', async () => {
    const other = refusedAnswer('http://db/query', { status: 503, body: '', retryAfter: undefined });
    const source = { query: () => Promise.reject(other), files: async () => [] };
    await expect(allRows(source, { from: 0, to: 10 }, statement)).rejects.toBe(other);
  });
});
