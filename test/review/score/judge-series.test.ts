import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { judgeSeries } from '../../../review/score/judge-series.ts';
import { scoreJson, scoreLines, scoreText } from '../../../review/score/report.ts';
import type { Series } from '../../../review/score/series.ts';
import { Random } from '../../data/random.ts';

const MINUTE = 60_000;

const seriesOf = (values: readonly number[], times = values.map((_, i) => i * MINUTE)): Series => ({
  times,
  values,
  labels: null,
  stamps: times.map(String),
  places: times.map((_, i) => i),
  refused: { count: 0, first: [] },
});

const alertRows = (series: Series) => judgeSeries(series).alerts.map(({ row }) => row);

/** So many values around a level that has a time of day. */
function ordinary(count: number, seed = 1): number[] {
  const random = new Random(seed);
  const noise = () => random.next() + random.next() + random.next() - 1.5;
  return Array.from({ length: count }, (_, i) => 100 + 30 * Math.sin((i / 1440) * 2 * Math.PI) + 4 * noise());
}

const changed = (values: readonly number[], changes: Readonly<Record<number, number>>) =>
  values.map((value, row) => changes[row] ?? value);

describe('a series', () => {
  it('of ordinary days raises nothing after the first', () => {
    expect(alertRows(seriesOf(ordinary(14 * 1440))).filter(row => row > 1440)).toEqual([]);
  });

  it('with a burst of 50x alerts at it, and at a smaller one an hour later', () => {
    expect(alertRows(seriesOf(changed(ordinary(7000), { 6000: 5000, 6060: 1000 })))).toEqual([6000, 6060]);
  });

  it('that changes its level alerts once, and has learnt the new level a day later', () => {
    const values = ordinary(6 * 1440).map((value, row) => (row < 3000 ? value : value + 300));
    const late = changed(values, { 8000: 800 });
    expect(alertRows(seriesOf(values)).filter(row => row > 1440)).toEqual([3000]);
    expect(alertRows(seriesOf(late)).filter(row => row > 4500)).toEqual([8000]);
  });

  it('with a burst each hour has learnt it after a day', () => {
    const values = ordinary(5 * 1440).map((value, row) => (row % 60 < 2 ? value + 2000 : value));
    expect(alertRows(seriesOf(values)).filter(row => row > 1440)).toEqual([]);
  });

  it('that stands still raises nothing, however long', () => {
    for (const value of [0, 7, -1e-300, 2 ** 53]) {
      expect(alertRows(seriesOf(Array(3000).fill(value)))).toEqual([]);
    }
  });

  it('whose digits end in rounding raises nothing', () => {
    const values = Array.from({ length: 3000 }, (_, i) => 1e6 + ((i * i) % 7) * 1e-9);
    expect(alertRows(seriesOf(values))).toEqual([]);
  });

  it('that is silent for a day goes on where it was', () => {
    const values = ordinary(4 * 1440);
    const times = values.map((_, i) => i * MINUTE + (i < 3000 ? 0 : 1440 * MINUTE));
    expect(alertRows(seriesOf(values, times)).filter(row => row > 1440)).toEqual([]);
  });

  it('is judged by the past only: what comes later changes nothing', () => {
    const values = changed(ordinary(2500), { 2000: 400 });
    const whole = judgeSeries(seriesOf(values)).scores;
    expect(judgeSeries(seriesOf(values.slice(0, 2100))).scores).toEqual(whole.slice(0, 2100));
  });

  it('is judged the same in other units', () => {
    const values = changed(ordinary(2500), { 2000: 400 });
    expect(alertRows(seriesOf(values.map(value => value * 1024)))).toEqual(alertRows(seriesOf(values)));
  });

  it('of any numbers, times and holes has finite scores, and 1 in exactly its alerts', () => {
    const value = fc.oneof(
      fc.double({ noDefaultInfinity: true }),
      fc.constantFrom(0, -0, 1, 2 ** 53, -(2 ** 53), Number.MAX_VALUE, Number.MIN_VALUE, Number.NaN),
      fc.integer({ min: -5, max: 5 }),
    );
    const gap = fc.constantFrom(0, 1, MINUTE, MINUTE, MINUTE, 86_400_000, 1e15, -MINUTE);
    const run = fc.record({ value, gap, times: fc.constantFrom(1, 1, 2, 60) });
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 40 }), runs => {
        const all = runs.flatMap(({ value, gap, times }) =>
          Array.from({ length: times }, () => ({ value, gap })),
        );
        let time = 0;
        const times = all.map(({ gap }) => {
          time += gap;
          return time;
        });
        const series = seriesOf(
          all.map(one => one.value),
          times,
        );
        const judged = judgeSeries(series);
        expect(judged.scores.every(score => Number.isFinite(score) && score >= 0)).toBe(true);
        expect(judged.scores.flatMap((score, row) => (score >= 1 ? [row] : []))).toEqual(
          judged.alerts.map(({ row }) => row),
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe('the report', () => {
  const scored = (values: readonly number[]) => {
    const series = seriesOf(values);
    return { file: 'a.csv', series, judged: judgeSeries(series), labels: null };
  };

  it('of a series of one row has nothing to say, in text and as JSON', () => {
    expect(scoreText(scored([5]))).toBe(
      'a.csv: 1 row, 1970-01-01T00:00:00.000Z to 1970-01-01T00:00:00.000Z\n\n' +
        '0 alerts; the first 100 rows teach and are not judged\n',
    );
    expect(JSON.parse(JSON.stringify(scoreJson(scored([5]))))).toMatchObject({
      rows: 1,
      cadence_ms: null,
      alerts: [],
    });
  });

  it('names the forecast, and what was seen instead', () => {
    const text = scoreText(scored(changed(ordinary(2500), { 2000: 400 })));
    expect(text).toMatch(
      /1970-01-02T09:20:00.000Z {2}score \d+\.\d {2}400, (forecast|unlike any value before)/,
    );
  });

  it('measures itself by labels', () => {
    const all = scored(changed(ordinary(2500), { 2000: 400 }));
    const labels = {
      anomalous: all.series.values.map((_, row) => row === 2000),
      windows: [[2000, 2000]] as const,
    };
    const text = scoreText({ ...all, labels });
    expect(text).toMatch(/events: 1 of 1 anomaly found, \d false alerts? /);
    expect(text).toMatch(/NAB: standard [-\d.]+, low false positives [-\d.]+ \(1 of 1 window, /);
  });

  it('has a line for each row, in the order of the file, with its alert', () => {
    const series = { ...seriesOf([1, Number.NaN, 3]), stamps: ['b', 'a"', 'c'], places: [1, 0, 2] };
    const judged = { scores: [1.25, 0, 0.9999999], alerts: [] };
    expect([...scoreLines({ file: '-', series, judged, labels: null })].join('')).toBe(
      'timestamp,value,anomaly_score,alert\n"a""",,0,0\nb,1,1.25,1\nc,3,0.999999,0\n',
    );
  });
});
