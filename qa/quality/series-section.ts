import {
  type EventMetrics,
  eventMetrics,
  eventRates,
  sumOfEvents,
} from '../../review/score/event-metrics.ts';
import { NAB_PROFILES, type NabPart, nabPart, nabScore } from '../../review/score/nab-score.ts';
import { cadenceOf } from '../../review/score/series.ts';
import { type Section, table } from './section.ts';
import { CANDIDATES, type Candidate } from './series/candidates.ts';
import { type LabelledSeries, SOURCES, type Source, seriesOf } from './series/sources.ts';

/** What one candidate did on the series of one source. */
interface Result {
  readonly source: Source;
  readonly candidate: Candidate;
  readonly series: number;
  readonly events: EventMetrics;
  /** Null where labels are no windows. */
  readonly nab: { readonly standard: number; readonly lowFalsePositives: number } | null;
}

const MINUTE = 60_000;

/** Measured where the data are: they are not part of this repository. */
export const publicSeries: Section = {
  name: 'public series',
  async run({ series }, progress) {
    if (series === null) return '';
    return seriesSection(series, source => progress(`judging ${source}`));
  },
};

/**
 * The section "Public series" of docs/quality.md, as Markdown: every detector on every source, at its frozen limit.
 *
 * @param root folder of the data, laid out as `SOURCES` says; sources that are not there are left out
 * @param onSource told before each source is read
 */
export async function seriesSection(
  root: string,
  onSource: (name: string) => void = () => undefined,
): Promise<string> {
  const results: Result[] = [];
  for (const source of SOURCES) {
    onSource(source.name);
    const all = await readAll(source, root);
    if (all.length > 0) results.push(...CANDIDATES.map(candidate => resultOf(source, candidate, all)));
  }
  return markdown(results);
}

async function readAll(source: Source, root: string): Promise<LabelledSeries[]> {
  const all: LabelledSeries[] = [];
  for await (const series of seriesOf(source, root)) all.push(series);
  return all;
}

function resultOf(source: Source, candidate: Candidate, all: readonly LabelledSeries[]): Result {
  const events: EventMetrics[] = [];
  const standard: NabPart[] = [];
  const low: NabPart[] = [];
  for (const { series, labels } of all) {
    const alarms = candidate.alarms(series);
    events.push(eventMetrics(alarms, labels.anomalous, cadenceOf(series) ?? MINUTE));
    if (labels.windows === null) continue;
    standard.push(nabPart(alarms, labels.windows, NAB_PROFILES.standard));
    low.push(nabPart(alarms, labels.windows, NAB_PROFILES.lowFalsePositives));
  }
  const [a, b] = [nabScore(standard), nabScore(low)];
  const nab = a === null || b === null ? null : { standard: a, lowFalsePositives: b };
  return { source, candidate, series: all.length, events: sumOfEvents(events), nab };
}

const INTRODUCTION = `## Public series

What \`tidegauge score\` does on series that others have labelled: one configuration, frozen, every row judged by the
rows before it only. The first 15 % of a series, at most 1,000 rows, are learnt and not counted. Rows at or above the
limit that are closer than 12 rows are one alert, at its first row; an anomaly is found when an alert starts between one
row before it and two rows after its end, and every other alert is false (no point adjustment). Sources,
below \`DIR\` as \`qa/quality/series/sources.ts\` says:
`;

const NAB_NOTE = `NAB's own score, at the limit and not at the threshold that would be best for it; 0 is no detection at all:
`;

function markdown(results: readonly Result[]): string {
  const sources = [...new Set(results.map(({ source }) => source))];
  const list = sources.map(source => {
    const own = results.find(result => result.source === source);
    return `- \`${source.name}\`, ${own?.series} series, ${own?.events.anomalies} anomalies: ${source.about}`;
  });
  const events = results.map(({ source, candidate, events }) => [
    candidate.name,
    source.name,
    ...cellsOf(events),
  ]);
  const windows = results.flatMap(({ source, candidate, nab }) =>
    nab ? [[candidate.name, source.name, nab.standard.toFixed(1), nab.lowFalsePositives.toFixed(1)]] : [],
  );
  return [
    INTRODUCTION,
    ...list,
    '',
    table([
      [
        'detector',
        'source',
        'F1',
        'precision',
        'recall',
        'false alerts',
        'a series-day',
        'median delay, rows',
      ],
      ...events,
    ]),
    NAB_NOTE,
    table([['detector', 'source', 'standard', 'low false positives'], ...windows]),
  ].join('\n');
}

function cellsOf(events: EventMetrics): string[] {
  const { f1, precision, recall, falsePerDay, medianDelayRows } = eventRates(events);
  const text = (x: number | null, digits: number) => (x === null ? '-' : x.toFixed(digits));
  return [
    text(f1, 2),
    text(precision, 2),
    text(recall, 2),
    `${events.falseAlerts}`,
    text(falsePerDay, 3),
    text(medianDelayRows, 0),
  ];
}
