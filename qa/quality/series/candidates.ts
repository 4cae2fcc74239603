import { judge, newModel, VIEWS, type View } from '../../../detector/kpi/model.ts';
import type { Series } from '../../../review/score/series.ts';
import { rollingZscores } from './rolling-zscore.ts';

/** Something that finds anomalies, at one frozen limit. */
export interface Candidate {
  readonly name: string;
  /** By row: the limit is reached. */
  alarms(series: Series): boolean[];
}

/** Rows and standard deviations of the textbook detector that all others have to beat. */
const BASELINE = { rows: 1000, limit: 6 };

const without = (view: View): Candidate => ({
  name: `kpi without ${view}`,
  alarms: series =>
    alarmsOf(
      series,
      VIEWS.filter(other => other !== view),
    ),
});

export const CANDIDATES: readonly Candidate[] = [
  { name: '**kpi**', alarms: series => alarmsOf(series, VIEWS) },
  ...VIEWS.map(without),
  {
    name: `rolling z-score over ${BASELINE.rows} rows, limit ${BASELINE.limit}`,
    alarms: ({ values }) => rollingZscores(values, BASELINE.rows).map(z => z >= BASELINE.limit),
  },
];

function alarmsOf({ times, values }: Series, views: readonly View[]): boolean[] {
  const model = newModel();
  return values.map((value, row) => (judge(model, times[row] as number, value, views)?.score ?? 0) >= 1);
}
