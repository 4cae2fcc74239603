import { describe, expect, it } from '@jest/globals';
import { eventMetrics, eventRates, learntRows, sumOfEvents } from '../../../review/score/event-metrics.ts';
import { NAB_PROFILES, nabPart, nabScore, type Profile } from '../../../review/score/nab-score.ts';
import { runsOf } from '../../../review/score/series.ts';

const at = (length: number, ...rows: readonly number[]): boolean[] =>
  Array.from({ length }, (_, row) => rows.includes(row));
const from = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe('events', () => {
  // 100 rows a minute, of which 15 are learnt.
  const judged = (alarms: readonly number[], labels: readonly number[]) =>
    eventMetrics(at(100, ...alarms), at(100, ...labels), 60_000);

  it('are runs of labelled rows', () => {
    expect(runsOf(at(9, 0, 3, 4, 8))).toEqual([
      [0, 0],
      [3, 4],
      [8, 8],
    ]);
  });

  it('are found by an alert from one row before them to two rows after them', () => {
    const found = (alarm: number) => judged([alarm], from(40, 49)).found;
    expect([38, 39, 45, 51, 52].map(found)).toEqual([0, 1, 1, 1, 0]);
  });

  it('count once, and alerts inside of them are not false', () => {
    expect(judged([40, 60, 80], from(40, 80))).toMatchObject({ found: 1, falseAlerts: 0, delays: [0] });
  });

  it('are found by the beginning of an alert: one that began long before them is false', () => {
    expect(judged(from(30, 41), from(40, 49))).toMatchObject({ found: 0, falseAlerts: 1 });
  });

  it('see rows that are closer than 12 as one alert', () => {
    expect(judged([40, 52, 64], [])).toMatchObject({ falseAlerts: 1 });
    expect(judged([40, 53, 66], [])).toMatchObject({ falseAlerts: 3 });
  });

  it('among the rows that are learnt are not counted, nor are alerts', () => {
    expect(learntRows(100)).toBe(15);
    expect(learntRows(50_000)).toBe(1000);
    expect(judged([5, 10], from(8, 14))).toMatchObject({ anomalies: 0, found: 0, falseAlerts: 0 });
  });

  it('give precision, recall, F1, false alerts a day and the median delay', () => {
    const metrics = judged([22, 47, 80, 95], [...from(20, 29), ...from(45, 49), ...from(60, 64)]);
    expect(metrics).toEqual({
      ...{ anomalies: 3, found: 2, falseAlerts: 2, delays: [2, 2] },
      days: (85 * 60_000) / 86_400_000,
    });
    const { falsePerDay, ...rates } = eventRates(metrics);
    expect(rates).toEqual({ precision: 0.5, recall: 2 / 3, f1: 4 / 7, medianDelayRows: 2 });
    expect(falsePerDay).toBeCloseTo(33.88, 2);
  });

  it('of several series add up; of none there is nothing to say', () => {
    const one = judged([22], from(20, 29));
    expect(sumOfEvents([one, one])).toMatchObject({
      anomalies: 2,
      found: 2,
      days: 2 * one.days,
      delays: [2, 2],
    });
    expect(eventRates(sumOfEvents([]))).toEqual({
      ...{ precision: null, recall: null, f1: null, falsePerDay: null, medianDelayRows: null },
    });
  });
});

/** Windows and detections (rows) of five series, and what another implementation of the definition gives them. */
const INDEPENDENT = {
  series: [
    { rows: 200, windows: [[44, 54]], detections: [49, 65, 91, 189] },
    {
      rows: 500,
      windows: [
        [104, 129],
        [200, 225],
      ],
      detections: [116, 127, 212, 238, 332, 397, 430, 482],
    },
    { rows: 1000, windows: [], detections: [53, 922] },
    {
      rows: 6000,
      windows: [
        [1201, 1501],
        [2400, 2700],
        [3602, 3902],
        [4803, 5103],
      ],
      detections: [107, 835, 1351, 1491, 1775, 2019, 2042, 2289, 2550, 3119, 3343, 4454, 4701, 5989],
    },
    { rows: 300, windows: [[10, 30]], detections: [20, 36, 64, 71, 81, 227] },
  ] satisfies { rows: number; windows: [number, number][]; detections: number[] }[],
  standard: 45.79846479763221,
  lowFalsePositives: 29.056595107729514,
};

/** A window of ten rows, 50 to 59, in 100 rows of which 15 are on probation. */
describe("NAB's score", () => {
  const WINDOW = [50, 59] as const;
  const score = (profile: keyof typeof NAB_PROFILES, ...rows: readonly number[]) =>
    nabScore([nabPart(at(100, ...rows), [WINDOW], NAB_PROFILES[profile])]);

  it('is 0 without a detection, and 100 for one at the left edge', () => {
    expect(score('standard')).toBe(0);
    expect(score('standard', 50)).toBeCloseTo(100, 10);
  });

  it('counts the earliest detection of a window only', () => {
    expect(score('standard', 50, 55, 59)).toBeCloseTo(100, 10);
  });

  it('falls along the window, by hand: in its middle y = -.5, at its end y = -.1', () => {
    const sigmoid = (y: number) => 2 / (1 + Math.exp(5 * y)) - 1;
    expect(score('standard', 55)).toBeCloseTo(50 + (50 * sigmoid(-0.5)) / sigmoid(-1), 10);
    expect(score('standard', 59)).toBeCloseTo(50 + (50 * sigmoid(-0.1)) / sigmoid(-1), 10);
  });

  it('takes a false detection at its full price before any window, and twice that where they weigh more', () => {
    expect(score('standard', 20, 50)).toBeCloseTo(100 - 5.5, 10);
    expect(score('lowFalsePositives', 20, 50)).toBeCloseTo(100 - 11, 10);
  });

  it('takes little for a detection just behind a window, and the full price far behind it', () => {
    const near = 100 - (100 * 0.11 * (1 - 2 / (1 + Math.exp(5 / 9)))) / 2;
    expect(score('standard', 50, 60)).toBeCloseTo(near, 10);
    expect(score('standard', 50, 99)).toBeCloseTo(100 - 5.5, 10);
  });

  it('neither earns nor costs on probation', () => {
    expect(score('standard', 3, 14)).toBe(0);
  });

  it('is unknown without windows', () => {
    expect(nabScore([nabPart(at(100, 50), [], NAB_PROFILES.standard)])).toBeNull();
  });

  it('agrees with an independent implementation on a corpus', () => {
    const score = (profile: Profile) =>
      nabScore(
        INDEPENDENT.series.map(({ rows, windows, detections }) =>
          nabPart(at(rows, ...detections), windows, profile),
        ),
      );
    expect(score(NAB_PROFILES.standard)).toBeCloseTo(INDEPENDENT.standard, 6);
    expect(score(NAB_PROFILES.lowFalsePositives)).toBeCloseTo(INDEPENDENT.lowFalsePositives, 6);
  });
});
