import { runsOf } from './series.ts';

/** How alerts and labelled anomalies agree. An event counts once, however long it is (no point adjustment). */
export interface EventMetrics {
  readonly anomalies: number;
  readonly found: number;
  readonly falseAlerts: number;
  /** Days that were judged. */
  readonly days: number;
  /** From the first row of each anomaly that was found to its first alert, rows. */
  readonly delays: readonly number[];
}

/** Alerts that are closer than this are one, at the first of them. */
const MERGE_ROWS = 12;
/** An alert belongs to an anomaly from so many rows before it to so many after it. */
const BEFORE = 1;
const AFTER = 2;
const DAY_MS = 86_400_000;

/** Rows at the beginning that are learnt and not counted: 15 %, at most 1,000. */
export const learntRows = (rows: number): number => Math.min(1000, Math.floor(0.15 * rows));

/**
 * @param alarms by row: the score reaches 1
 * @param labels by row: anomalous
 * @param cadenceMs median distance of rows
 */
export function eventMetrics(
  alarms: readonly boolean[],
  labels: readonly boolean[],
  cadenceMs: number,
): EventMetrics {
  const learnt = learntRows(alarms.length);
  const starts = alertStarts(alarms, learnt);
  const anomalies = runsOf(labels).filter(([, end]) => end >= learnt);
  const isOf = ([start, end]: readonly [number, number], alert: number) =>
    alert >= start - BEFORE && alert <= end + AFTER;
  const delays = anomalies.flatMap(anomaly => {
    const alert = starts.find(start => isOf(anomaly, start));
    return alert === undefined ? [] : [alert - anomaly[0]];
  });
  return {
    anomalies: anomalies.length,
    found: delays.length,
    falseAlerts: starts.filter(alert => !anomalies.some(anomaly => isOf(anomaly, alert))).length,
    days: ((alarms.length - learnt) * cadenceMs) / DAY_MS,
    delays,
  };
}

/** First rows of alerts from row `learnt` on. */
function alertStarts(alarms: readonly boolean[], learnt: number): number[] {
  const starts: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (let row = learnt; row < alarms.length; row++) {
    if (!alarms[row]) continue;
    if (row - last > MERGE_ROWS) starts.push(row);
    last = row;
  }
  return starts;
}

/** Several series as one. */
export const sumOfEvents = (all: readonly EventMetrics[]): EventMetrics => ({
  anomalies: sum(all, one => one.anomalies),
  found: sum(all, one => one.found),
  falseAlerts: sum(all, one => one.falseAlerts),
  days: sum(all, one => one.days),
  delays: all.flatMap(one => one.delays),
});

const sum = <T>(all: readonly T[], of: (one: T) => number): number =>
  all.reduce((total, one) => total + of(one), 0);

export interface EventRates {
  /** Null where nothing is divided by nothing. */
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  readonly falsePerDay: number | null;
  readonly medianDelayRows: number | null;
}

export function eventRates({ anomalies, found, falseAlerts, days, delays }: EventMetrics): EventRates {
  const ratio = (part: number, whole: number) => (whole > 0 ? part / whole : null);
  const sorted = [...delays].sort((a, b) => a - b);
  return {
    precision: ratio(found, found + falseAlerts),
    recall: ratio(found, anomalies),
    f1: ratio(2 * found, found + falseAlerts + anomalies),
    falsePerDay: ratio(falseAlerts, days),
    medianDelayRows: sorted[sorted.length >> 1] ?? null,
  };
}
