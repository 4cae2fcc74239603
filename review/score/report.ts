import { isoTime } from '../../core/clock.ts';
import { formatDuration } from '../../core/config/units.ts';
import { printable } from '../../core/errors.ts';
import { WARM_UP_ROWS } from '../../detector/kpi/model.ts';
import { perDayOf } from '../tally.ts';
import { fieldText } from './csv.ts';
import { type EventMetrics, eventMetrics, eventRates } from './event-metrics.ts';
import type { Alert, Judged } from './judge-series.ts';
import { NAB_PROFILES, type NabPart, nabPart, nabScore } from './nab-score.ts';
import type { Labels } from './read-labels.ts';
import { refusalText } from './read-series.ts';
import { cadenceOf, type Series } from './series.ts';

/** All that is known of a series that was judged. */
export interface Scored {
  /** Where it came from, for people. */
  readonly file: string;
  readonly series: Series;
  readonly judged: Judged;
  /** Null: nobody said what is anomalous. */
  readonly labels: Labels | null;
}

/** More alerts are not listed one by one. */
const LISTED = 40;
const MINUTE = 60_000;

/** How alerts agree with labels: as events, and by NAB's score where labels are windows. */
function measure({ series, judged, labels }: Scored) {
  if (labels === null) return null;
  const alarms = judged.scores.map(score => score >= 1);
  const { windows } = labels;
  const part = (profile: keyof typeof NAB_PROFILES) =>
    windows === null ? null : nabPart(alarms, windows, NAB_PROFILES[profile]);
  const parts = { standard: part('standard'), lowFalsePositives: part('lowFalsePositives') };
  const events = eventMetrics(alarms, labels.anomalous, cadenceOf(series) ?? MINUTE);
  return { events, nab: parts.standard && parts.lowFalsePositives ? (parts as NabParts) : null };
}

type NabParts = Readonly<Record<keyof typeof NAB_PROFILES, NabPart>>;

/** For people, one screen. */
export function scoreText(scored: Scored): string {
  const { series, judged, file } = scored;
  const lines = [`${printable(file)}: ${extentText(series)}`, ...shortcomings(series), ''];
  const cadence = cadenceOf(series) ?? MINUTE;
  const perDay = perDayOf(judged.alerts.length, series.times.length * cadence);
  const rate = perDay === null ? '' : `, ${Number(perDay.toPrecision(2))} a day`;
  lines.push(
    `${counted(judged.alerts.length, 'alert')}${rate}; the first ${WARM_UP_ROWS} rows teach and are not judged`,
  );
  const listed = mostSevere(judged.alerts);
  for (const alert of listed) lines.push(`  ${alertText(alert, series)}`);
  if (listed.length < judged.alerts.length)
    lines.push(
      `  … and ${judged.alerts.length - listed.length} with lower scores; --out and --json have all`,
    );
  const measured = measure(scored);
  if (measured) lines.push('', eventText(measured.events, cadence));
  if (measured?.nab) lines.push(nabText(measured.nab));
  return `${lines.join('\n')}\n`;
}

function extentText(series: Series): string {
  const cadence = cadenceOf(series);
  const every = cadence === null ? '' : `, one every ${formatDuration(cadence)}`;
  const [first, last] = [series.times[0] as number, series.times.at(-1) as number];
  return `${counted(series.times.length, 'row')}${every}, ${isoTime(first)} to ${isoTime(last)}`;
}

function shortcomings({ values, refused }: Series): string[] {
  const lines = [];
  const empty = values.filter(Number.isNaN).length;
  if (empty > 0) lines.push(`  ${counted(empty, 'row')} without a value`);
  if (refused.count > 0) lines.push(`  ${counted(refused.count, 'line')} refused: ${refusalText(refused)}`);
  return lines;
}

const mostSevere = (alerts: readonly Alert[]): Alert[] =>
  [...alerts]
    .sort((a, b) => b.score - a.score)
    .slice(0, LISTED)
    .sort((a, b) => a.row - b.row);

const WHY: Readonly<Record<Alert['view'], (alert: Alert) => string>> = {
  surprise: ({ seen, expected }) =>
    expected === null ? `${brief(seen)}, far from its level` : `${brief(seen)}, forecast ${brief(expected)}`,
  novelty: ({ seen }) => `${brief(seen)}, unlike any value before`,
  context: ({ seen, expected }) =>
    `${brief(seen)} in half an hour, expected ${brief(expected ?? 0)} at this time of day`,
};

const alertText = (alert: Alert, series: Series): string =>
  `${isoTime(series.times[alert.row] as number)}  score ${alert.score.toFixed(1)}  ${WHY[alert.view](alert)}`;

function eventText(events: EventMetrics, cadence: number): string {
  const { precision, recall, f1, falsePerDay, medianDelayRows } = eventRates(events);
  const delay =
    medianDelayRows === null
      ? ''
      : `, median delay ${counted(medianDelayRows, 'row')} (${formatDuration(Math.max(0, medianDelayRows) * cadence)})`;
  return (
    `events: ${events.found} of ${counted(events.anomalies, 'anomaly', 'anomalies')} found, ${counted(events.falseAlerts, 'false alert')} ` +
    `(${share(falsePerDay)} a day); precision ${share(precision)}, recall ${share(recall)}, F1 ${share(f1)}${delay}`
  );
}

function nabText({ standard, lowFalsePositives }: NabParts): string {
  const [a, b] = [nabScore([standard]), nabScore([lowFalsePositives])];
  if (a === null || b === null) return 'NAB: no window to score by';
  return `NAB: standard ${a.toFixed(1)}, low false positives ${b.toFixed(1)} (${standard.found} of ${counted(standard.windows, 'window')}, ${counted(standard.falseRows, 'row')} outside)`;
}

/** For programs. Times are ISO 8601, UTC. */
export function scoreJson(scored: Scored): unknown {
  const { series, judged, file } = scored;
  const measured = measure(scored);
  const nab = measured?.nab ?? null;
  return snakeKeys({
    file,
    rows: series.times.length,
    withoutValue: series.values.filter(Number.isNaN).length,
    refused: { count: series.refused.count, lines: series.refused.first },
    cadenceMs: cadenceOf(series),
    from: isoTime(series.times[0] as number),
    to: isoTime(series.times.at(-1) as number),
    alerts: judged.alerts.map(({ row, ...alert }) => ({
      time: isoTime(series.times[row] as number),
      value: series.values[row],
      ...alert,
    })),
    events: measured && { ...measured.events, ...eventRates(measured.events) },
    nab: nab && {
      standard: nabScore([nab.standard]),
      lowFalsePositives: nabScore([nab.lowFalsePositives]),
      windows: nab.standard.windows,
      found: nab.standard.found,
      falseRows: nab.standard.falseRows,
    },
  });
}

/** Keys as all commands print them. */
function snakeKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeKeys);
  if (value === null || typeof value !== 'object') return value;
  const snake = (key: string) => key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [snake(key), snakeKeys(child)]));
}

/** Lines of `timestamp,value,anomaly_score,alert`, rows in the order of the file, times as it wrote them. */
export function* scoreLines({ series, judged }: Scored): Generator<string> {
  yield 'timestamp,value,anomaly_score,alert\n';
  const rows = series.places.map((_, row) => row);
  rows.sort((a, b) => (series.places[a] as number) - (series.places[b] as number));
  for (const row of rows) {
    const value = series.values[row] as number;
    const score = judged.scores[row] as number;
    yield `${fieldText(series.stamps[row] as string)},${Number.isNaN(value) ? '' : value},${rounded(score)},${score >= 1 ? 1 : 0}\n`;
  }
}

/** Six decimals, never up to the limit. */
const rounded = (score: number): number => Math.floor(score * 1e6) / 1e6;

/** Four digits are enough to tell values apart. */
const brief = (x: number): string => `${Number(x.toPrecision(4))}`;
const share = (x: number | null): string => (x === null ? '-' : x.toFixed(2));
const counted = (n: number, noun: string, nouns = `${noun}s`): string =>
  `${n.toLocaleString('en')} ${n === 1 ? noun : nouns}`;
