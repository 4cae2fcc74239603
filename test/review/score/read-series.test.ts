import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fieldsOf, fieldText } from '../../../review/score/csv.ts';
import { readSeries } from '../../../review/score/read-series.ts';
import { cadenceOf } from '../../../review/score/series.ts';

const read = (text: string) => readSeries(text.split(/\r\n|\n/), 'a.csv');

describe('a series', () => {
  it('is read with a header, by the names of its columns', async () => {
    const series = await read('value,host,is_anomaly,timestamp\n5,a,0,60\n6,a,1,120\n');
    expect([series.times, series.values, series.labels]).toEqual([
      [60_000, 120_000],
      [5, 6],
      [false, true],
    ]);
  });

  it('is read without a header: time, value, label', async () => {
    const series = await read('60,5\n120,6.5e3,1\n');
    expect([series.times, series.values, series.labels]).toEqual([
      [60_000, 120_000],
      [5, 6500],
      [false, true],
    ]);
  });

  it('is read with quotes, a byte order mark, spaces, semicolons and lines of Windows', async () => {
    const series = await read('\uFEFF"timestamp";"value"\r\n"2026-01-31 00:00:00"; "7"\r\n\r\n');
    expect([series.times, series.values]).toEqual([[Date.UTC(2026, 0, 31)], [7]]);
  });

  it('has no labels where the file has no third column, and none by an unknown name', async () => {
    expect((await read('60,5\n')).labels).toBeNull();
    expect((await read('time,value,host\n60,5,a\n')).labels).toBeNull();
  });

  it('keeps rows without a value, as no value', async () => {
    const { values, refused } = await read('60,\n120,NaN\n180,null\n240,1\n');
    expect(values).toEqual([Number.NaN, Number.NaN, Number.NaN, 1]);
    expect(refused.count).toBe(0);
  });

  it('is in order of time, rows of one time in the order of the file, each knowing its place', async () => {
    const { times, values, places, stamps } = await read('180,1\n60,2\n180,3\n120,4\n');
    expect(times).toEqual([60_000, 120_000, 180_000, 180_000]);
    expect(values).toEqual([2, 4, 1, 3]);
    expect(places).toEqual([1, 3, 0, 2]);
    expect(stamps).toEqual(['60', '120', '180', '180']);
  });

  it('goes on after lines that are no rows: each is counted, the first ones are named', async () => {
    const { values, refused } = await read(
      'timestamp,value,label\n60,1,0\nfoo,2,0\n120,x,0\n180\n240,3,maybe\n300,"4\n360,Infinity,0\n420,5,1\n',
    );
    expect(values).toEqual([1, 5]);
    expect(refused).toEqual({
      count: 6,
      first: [
        { line: 3, why: 'has no time, but "foo"' },
        { line: 4, why: 'has no number, but "x"' },
        { line: 5, why: 'has no second column' },
        { line: 6, why: 'has a label other than 0 and 1: "maybe"' },
        { line: 7, why: 'has quotes that do not match' },
      ],
    });
  });

  it('is refused when no line is a row, with what to do', async () => {
    await expect(read('')).rejects.toThrow('a.csv: it has no rows. Give lines of timestamp,value');
    await expect(read('60;1,5\n')).rejects.toThrow(
      'none of its lines is a row: line 1 has no number, but "1,5"',
    );
  });

  it('does not send control characters of the file to a terminal', async () => {
    const { refused } = await read('60,1\n60,\u001b[2J\n');
    expect(refused.first).toEqual([{ line: 2, why: 'has no number, but "\\x1b[2J"' }]);
  });

  it('has the median distance of its rows, holes and repeated times aside', async () => {
    expect(cadenceOf(await read('0,1\n60,1\n60,1\n120,1\n180,1\n86400,1\n'))).toBe(60_000);
    expect(cadenceOf(await read('0,1\n0,1\n'))).toBeNull();
  });

  it('comes out as it went in, whatever the order and the writing of its lines', async () => {
    const row = fc.record({
      second: fc.integer({ min: 0, max: 4e9 }),
      value: fc.oneof(fc.constant(null), fc.double({ noNaN: true, noDefaultInfinity: true })),
      label: fc.boolean(),
      iso: fc.boolean(),
    });
    const rows = fc.uniqueArray(row, { minLength: 1, maxLength: 60, selector: one => one.second });
    await fc.assert(
      fc.asyncProperty(rows, fc.boolean(), fc.constantFrom('\n', '\r\n'), async (all, header, end) => {
        const lines = all.map(({ second, value, label, iso }) => {
          const time = iso ? new Date(second * 1000).toISOString() : `${second}`;
          return `${time},${value ?? ''},${label ? 1 : 0}`;
        });
        const series = await read([...(header ? ['timestamp,value,label'] : []), ...lines, ''].join(end));
        const sorted = [...all].sort((a, b) => a.second - b.second);
        expect(series.times).toEqual(sorted.map(one => one.second * 1000));
        // A template writes -0 as 0.
        expect(series.values).toEqual(sorted.map(one => (one.value ?? Number.NaN) + 0));
        expect(series.labels).toEqual(sorted.map(one => one.label));
        expect(series.refused.count).toBe(0);
      }),
    );
  });

  it('survives any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary' })), async lines => {
        const series = await readSeries(['1,1', ...lines], 'any');
        expect(series.times.every(Number.isFinite)).toBe(true);
        expect(series.values.every(value => Math.abs(value) !== Number.POSITIVE_INFINITY)).toBe(true);
      }),
    );
  });
});

it('reads again each field that it has written', () => {
  const text = fc.string().filter(one => one.trim() === one && !/[\r\n]/.test(one));
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), fields => {
      const plain = fields.filter(field => !field.includes('"') || /[",;\t]/.test(field));
      fc.pre(plain.length > 0);
      expect(fieldsOf(plain.map(fieldText).join(','), ',')).toEqual(plain);
    }),
  );
});
