import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Range } from '../../store/contract.ts';
import { refusedAnswer } from '../../store/influx/failure.ts';
import { allRows, firstRow, pages } from '../../store/influx/pages.ts';
import type { Row } from '../../store/row.ts';

/** As InfluxDB 3.6.0 says it. */
const TOO_WIDE =
  'query error: error while planning query: External error: Query would exceed file limit of 432 parquet files. ' +
  'Please specify a smaller time range for your query. You can increase the file limit with the ' +
  '`--query-file-limit` option in the serve command, however, query performance will be slower and the server may ' +
  'get OOM killed or become unstable as a result';

const tooWide = () =>
  refusedAnswer('http://db/query', { status: 500, body: TOO_WIDE, retryAfter: undefined });

/** A database of rows at these times that refuses to look at more than `files` of them in one query. */
function databaseOf(times: readonly number[], files: number) {
  const asked: Range[] = [];
  const read = async (part: Range, order: 1 | -1 = 1): Promise<Row[]> => {
    asked.push(part);
    const found = times.filter(time => part.from <= time && time < part.to);
    if (found.length > files) throw tooWide();
    return found.sort((a, b) => order * (a - b)).map(time => ({ time }));
  };
  return { read, asked };
}

const someTimes = fc.uniqueArray(fc.integer({ min: -5000, max: 1_700_000_000_000 }), { maxLength: 40 });
const someRange = fc.oneof(
  fc.constant({ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }),
  fc
    .tuple(fc.integer({ min: -5000, max: 1_700_000_000_000 }), fc.nat({ max: 1_000_000_000_000 }))
    .map(([from, length]) => ({ from, to: from + length })),
);
const ascending = (times: readonly number[], { from, to }: Range) =>
  times.filter(time => from <= time && time < to).sort((a, b) => a - b);
const timesOf = (rows: readonly Row[]) => rows.map(row => row.time);

describe('rows of a range', () => {
  it('are all there, in order, however little of it one query may touch', async () => {
    await fc.assert(
      fc.asyncProperty(someTimes, someRange, fc.integer({ min: 1, max: 5 }), async (times, range, files) => {
        const { read } = databaseOf(times, files);
        expect(timesOf(await allRows(range, part => read(part)))).toEqual(ascending(times, range));
      }),
    );
  });

  it('come in pages of at most a limit, none twice', async () => {
    const limits = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 7 }));
    await fc.assert(
      fc.asyncProperty(someTimes, someRange, limits, async (times, range, [files, limit]) => {
        const { read } = databaseOf(times, files);
        const found: Row[] = [];
        const read1 = async (part: Range) => (await read(part)).slice(0, limit);
        for await (const page of pages(range, read1, { limit })) {
          expect(page.length).toBeGreaterThan(0);
          found.push(...page);
        }
        expect(timesOf(found)).toEqual(ascending(times, range));
      }),
    );
  });

  it('the first and the last are found from either end', async () => {
    await fc.assert(
      fc.asyncProperty(someTimes, someRange, fc.integer({ min: 1, max: 5 }), async (times, range, files) => {
        const { read } = databaseOf(times, files);
        const expected = ascending(times, range);
        expect((await firstRow(range, part => read(part)))?.time).toBe(expected[0]);
        const last = await firstRow(range, part => read(part, -1), { newestFirst: true });
        expect(last?.time).toBe(expected.at(-1));
      }),
    );
  });

  it('are asked for once where nothing is refused, and not at all in an empty range', async () => {
    const { read, asked } = databaseOf([1, 2, 3], 10);
    await allRows({ from: 1.5, to: 2.5 }, part => read(part));
    await allRows({ from: 5, to: 5 }, part => read(part));
    expect(asked).toEqual([{ from: 2, to: 3 }]);
  });

  it('a single moment that is too much is a failure for good that says what to raise', async () => {
    const range = { from: 0, to: 1000 };
    await expect(allRows(range, () => Promise.reject(tooWide()))).rejects.toMatchObject({
      retry: false,
      message: expect.stringContaining('Raise --query-file-limit'),
    });
  });

  it('any other failure is passed on at once', async () => {
    const other = refusedAnswer('http://db/query', { status: 503, body: '', retryAfter: undefined });
    await expect(allRows({ from: 0, to: 10 }, () => Promise.reject(other))).rejects.toBe(other);
  });
});
