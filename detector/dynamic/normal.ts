import type { Normal, NormalRate } from '../../core/incident/normal.ts';
import { allowanceAt, type Envelope, limitOf } from './envelope.ts';
import type { Traffic } from './traffic.ts';
import { type Level, levels } from './views/level.ts';

/** What the levels of a minute have learnt, in words of rates: what is usual, and where an alarm begins. */

/** Judged over this time, ms: what charts of minutes can be compared with. */
const OVER_MS = 60_000;

/** Changes nothing. `envelopes`: one for each view, null where it is switched off. */
export function normalsOf(
  { traffic, envelopes }: { readonly traffic: Traffic; readonly envelopes: readonly (Envelope | null)[] },
  strictness: number,
): Normal[] {
  const youth = allowanceAt(traffic.watched);
  // They are the first of the views, and so are their envelopes.
  return levels.flatMap((view, i) => {
    const envelope = envelopes[i];
    const normal = envelope ? normalOf(view, { envelope, traffic, youth, strictness }) : null;
    return normal ? [normal] : [];
  });
}

interface Learnt {
  readonly envelope: Envelope;
  readonly traffic: Traffic;
  readonly youth: number;
  readonly strictness: number;
}

/** Null: it is judged over another time. */
function normalOf(view: Level, { envelope, traffic, youth, strictness }: Learnt): Normal | null {
  const { direction = null, unit, overMs, high } = view.tell(0, 0, traffic);
  if (overMs !== OVER_MS || (unit !== 'B/s' && unit !== 'msg/s')) return null;
  const side = high === null ? 'low' : 'high';
  const excess = limitOf(envelope, view.sharp, youth, traffic.end ?? 0) * strictness;
  const rate = (edge: number | null): NormalRate | null => {
    if (edge === null) return null;
    const told = view.tell(edge, edge + excess, traffic);
    return { usual: told.seen, limit: told[side] ?? told.seen };
  };
  return {
    ...{ direction, side, unit, overMs },
    now: rate(envelope.edge),
    byHalfHour: envelope.day.map(rate),
  };
}
