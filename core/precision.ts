import { compareText } from './compare.ts';
import type { Incident } from './incident/incident.ts';
import { type Mark, newestMarks } from './incident/mark.ts';
import type { Interval } from './interval.ts';
import { shareInterval } from './share-interval.ts';

/** What people said of the incidents in which a rule spoke. */
export interface Precision {
  /** Null: of all rules together. */
  readonly rule: string | null;
  readonly incidents: number;
  readonly real: number;
  readonly expected: number;
  readonly falseAlarms: number;
  readonly unmarked: number;
  /** Share of the marked that were no false alarms, with its 95 % interval; null: none is marked. */
  readonly right: { readonly share: number; readonly low: number; readonly high: number } | null;
}

/**
 * How often incidents that start in the range were right, by rule, those with the most incidents first, then all
 * together. `incidents`: those that are remembered; of older ones only the marked are known. One in which several rules
 * spoke counts for each of them.
 */
export function precision(
  incidents: readonly Incident[],
  marks: readonly Mark[],
  { from, to }: Interval,
): Precision[] {
  const newest = newestMarks(marks);
  const rulesOf = new Map<string, ReadonlySet<string>>();
  const isIn = ({ start }: { readonly start: number }) => start >= from && start < to;
  for (const { incident, spoke } of [...newest.values()].filter(isIn))
    rulesOf.set(incident, new Set(spoke.map(({ rule }) => rule)));
  for (const { id, findings } of incidents.filter(isIn))
    rulesOf.set(id, new Set(findings.map(({ rule }) => rule)));
  const pairs = [...rulesOf].flatMap(([id, rules]) => [...rules].map(rule => ({ rule, id })));
  const rows = [...Map.groupBy(pairs, ({ rule }) => rule)]
    .sort(([a, of], [b, others]) => others.length - of.length || compareText(a, b))
    .map(([rule, own]) =>
      rowOf(
        rule,
        own.map(({ id }) => id),
        newest,
      ),
    );
  return [...rows, rowOf(null, [...rulesOf.keys()], newest)];
}

function rowOf(rule: string | null, ids: readonly string[], marks: ReadonlyMap<string, Mark>): Precision {
  const count = (kind: Mark['kind']) => ids.filter(id => marks.get(id)?.kind === kind).length;
  const [real, expected, falseAlarms] = [count('real'), count('expected'), count('false-alarm')];
  const marked = real + expected + falseAlarms;
  const share = (real + expected) / marked;
  const right = marked === 0 ? null : { share, ...shareInterval(real + expected, marked) };
  return { rule, incidents: ids.length, real, expected, falseAlarms, unmarked: ids.length - marked, right };
}
