import { judge, newModel, type View } from '../../detector/kpi/model.ts';
import type { Series } from './series.ts';

export interface Alert {
  /** Index of the row in the series. */
  readonly row: number;
  readonly score: number;
  readonly view: View;
  /** What the view saw, and what it expected; null: nothing in particular. */
  readonly seen: number;
  readonly expected: number | null;
}

export interface Judged {
  /** Score of each row, >= 0; 1 and above is an alert. */
  readonly scores: readonly number[];
  readonly alerts: readonly Alert[];
}

/** Rows after a high score keep some of it, below the limit: whoever ranks rows finds those around an alert first. */
const FADE = 0.9;
const BELOW_LIMIT = 0.99;

/** Judge the rows of a series in order of time, each by those before it only. */
export function judgeSeries({ times, values }: Series): Judged {
  const model = newModel();
  const alerts: Alert[] = [];
  let fading = 0;
  const scores = values.map((value, row) => {
    const finding = judge(model, times[row] as number, value);
    const score = finding?.score ?? 0;
    if (finding && score >= 1) {
      const { view, seen, expected } = finding;
      alerts.push({ row, score, view, seen, expected });
    }
    fading = Math.max(score, fading * FADE);
    return score >= 1 ? score : Math.min(fading, BELOW_LIMIT);
  });
  return { scores, alerts };
}
