import { type Expectation, type Normal, type NormalRate, thousandths } from '../../core/incident/normal.ts';
import type { RaisedView } from '../contract.ts';
import { allowanceAt, type Envelope, limitOf } from './envelope.ts';
import type { Traffic } from './traffic.ts';
import { type Level, levels } from './views/level.ts';

/** What the levels of a minute have learnt, in words of rates: what is usual, and where an alarm begins. */

/** Judged over this time, ms: what charts of minutes can be compared with. */
const OVER_MS = 60_000;

/** `envelopes`: one for each view, null where it is switched off. */
interface Learnt {
  readonly traffic: Traffic;
  readonly envelopes: readonly (Envelope | null)[];
}

/** A quantity that is judged over a minute. */
interface Judged extends Pick<Normal, 'direction' | 'side' | 'unit' | 'overMs'> {
  readonly envelope: Envelope;
  /** What an edge of the envelope means; null: nothing is known. */
  rate(edge: number | null): NormalRate | null;
}

/** Changes nothing. */
export const normalsOf = (learnt: Learnt, strictness: number): Normal[] =>
  judgedBy(learnt, () => strictness).map(({ envelope, rate, ...quantity }) => ({
    ...quantity,
    now: rate(envelope.edge),
    byHalfHour: envelope.day.map(rate),
  }));

/** The limits of the same quantities as they are now, also by what marks have raised. Changes nothing. */
export const expectationsOf = (learnt: Learnt, strictness: number, raised: RaisedView): Expectation[] =>
  judgedBy(learnt, view => strictness * raised(view.name)).flatMap(
    ({ envelope, rate, direction, side, unit }) => {
      const now = rate(envelope.edge);
      if (now === null) return [];
      const limit = thousandths(now.limit);
      const range = side === 'low' ? { low: limit, high: null } : { low: 0, high: limit };
      return [{ direction, metric: unit === 'B/s' ? 'bytes' : 'messages', ...range }];
    },
  );

function judgedBy({ traffic, envelopes }: Learnt, strictnessOf: (view: Level) => number): Judged[] {
  const youth = allowanceAt(traffic.watched);
  // They are the first of the views, and so are their envelopes.
  return levels.flatMap((view, i) => {
    const envelope = envelopes[i];
    if (!envelope || view.measures.overMs !== OVER_MS) return [];
    const excess = limitOf(envelope, view.sharp, youth, traffic.end ?? 0) * strictnessOf(view);
    const rate = (edge: number | null): NormalRate | null =>
      edge === null ? null : { usual: view.rate(edge, traffic), limit: view.rate(edge + excess, traffic) };
    return [{ ...view.measures, envelope, rate }];
  });
}
