import { MARK_LIFE_MS, type Mark, type MarkKind, type Spoke } from '../../core/incident/mark.ts';
import type { RaisedLimits, RaisedRule } from '../contract.ts';

/**
 * What people's marks make of limits. Of each rule, service and series (or view of the detector), with the scores that
 * it had by its own limit:
 *
 *   F = max(1, min(P, R))   P: the greatest of min(1.1 s, 3) over false alarms, min(1.1 s, 50) over what was expected
 *                           R: the least of s / 1.1 over what was real
 *
 * multiplies the limit. So what was false or expected would not have alarmed, with a tenth to spare; what was real
 * alarms again, with a tenth to spare; and no limit falls below its calibration. A false alarm makes nobody deaf: 3 is
 * the strictest that docs/quality.md has figures of. Nor does what is expected: scores end at 100, where detectors stop
 * telling how bad it is, and a limit above that would be deaf.
 */

const MARGIN = 1.1;
/** What marks multiply a limit by at most. */
export const MOST = { 'false-alarm': 3, expected: 50 } as const;

/** The highest factor that a mark of a score asks for, and the highest that it allows. */
const WISHES: Readonly<
  Record<MarkKind, (score: number) => { readonly wants: number; readonly allows: number }>
> = {
  'false-alarm': score => ({
    wants: Math.min(score * MARGIN, MOST['false-alarm']),
    allows: Number.POSITIVE_INFINITY,
  }),
  expected: score => ({ wants: Math.min(score * MARGIN, MOST.expected), allows: Number.POSITIVE_INFINITY }),
  real: score => ({ wants: 1, allows: score / MARGIN }),
  none: () => ({ wants: 1, allows: Number.POSITIVE_INFINITY }),
};

/** The limits that nobody has moved. */
export const NOTHING_RAISED: RaisedLimits = { of: () => undefined };

/** `2.2 times as tolerant`: also of a limit that alarms below it, which is lower then. */
export const factorText = (factor: number): string => `${Number(factor.toPrecision(2))} times as tolerant`;

type Series = Pick<Spoke, 'direction' | 'metric' | 'view'>;

/** Limits raised by the marks of one host, at any time. Pure, but for remembering the table of the last time asked for. */
export class MarkedLimits {
  readonly #marks: readonly Mark[];
  #table: RaisedLimits = NOTHING_RAISED;
  /** The table holds for frames that start in [from, to). */
  #from = 0;
  #to = 0;

  constructor(marks: readonly Mark[]) {
    this.#marks = [...marks].sort((a, b) => a.seq - b.seq);
    if (marks.length === 0) [this.#from, this.#to] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  }

  /** As they are in a frame that starts at `start`, epoch ms. */
  at(start: number): RaisedLimits {
    if (start >= this.#from && start < this.#to) return this.#table;
    const turns = this.#marks.flatMap(mark => [beginOf(mark), endOf(mark)]);
    this.#from = Math.max(Number.NEGATIVE_INFINITY, ...turns.filter(time => time <= start));
    this.#to = Math.min(Number.POSITIVE_INFINITY, ...turns.filter(time => time > start));
    this.#table = raisedBy(inForce(this.#marks, start));
    return this.#table;
  }
}

export const NO_MARKS = new MarkedLimits([]);

/** The limits of a host, by name. */
export type MarksOf = (host: string) => MarkedLimits;

/** The limits of each of several hosts. */
export function limitsByHost(marks: readonly Mark[]): MarksOf {
  const hosts = new Map(
    [...Map.groupBy(marks, mark => mark.host)].map(([host, own]) => [host, new MarkedLimits(own)]),
  );
  return host => hosts.get(host) ?? NO_MARKS;
}

/** One that no worker has heard of yet counts from when it was made. */
const beginOf = ({ from, at }: Mark): number => from ?? at;
const endOf = ({ at }: Mark): number => at + MARK_LIFE_MS;

/** Of each incident the last that was said by then, unless that is too old. */
function inForce(marks: readonly Mark[], start: number): Mark[] {
  const newest = new Map<string, Mark>();
  for (const mark of marks) if (beginOf(mark) <= start) newest.set(mark.incident, mark);
  return [...newest.values()].filter(mark => start < endOf(mark));
}

function raisedBy(marks: readonly Mark[]): RaisedLimits {
  const rules = new Map<string, Map<string | null, Moved>>();
  for (const { kind, spoke } of marks)
    for (const one of spoke) {
      const services = rules.get(one.rule) ?? new Map<string | null, Moved>();
      rules.set(one.rule, services);
      const moved = services.get(one.service) ?? new Moved();
      services.set(one.service, moved);
      moved.add(one, WISHES[kind](one.score));
    }
  for (const services of rules.values())
    for (const [service, moved] of services) if (!moved.any) services.delete(service);
  return { of: (rule, service) => rules.get(rule)?.get(service) };
}

/** Limits of one rule in one service. */
class Moved implements RaisedRule {
  readonly #wishes: { readonly series: Series; wants: number; allows: number }[] = [];

  add(series: Series, { wants, allows }: { wants: number; allows: number }): void {
    const known = this.#wishes.find(one => isSame(one.series, series));
    if (!known) this.#wishes.push({ series, wants, allows });
    else {
      known.wants = Math.max(known.wants, wants);
      known.allows = Math.min(known.allows, allows);
    }
  }

  /** Whether any limit is moved at all. */
  get any(): boolean {
    return this.#wishes.some(({ wants }) => wants > 1);
  }

  factor(series: Series): number {
    let wants = 1;
    let allows = Number.POSITIVE_INFINITY;
    for (const one of this.#wishes) {
      if (!concerns(one.series, series)) continue;
      wants = Math.max(wants, one.wants);
      allows = Math.min(allows, one.allows);
    }
    return Math.max(1, Math.min(wants, allows));
  }
}

const isSame = (a: Series, b: Series): boolean =>
  a.direction === b.direction && a.metric === b.metric && a.view === b.view;

/** A mark that does not know the view is about all of them. */
const concerns = (marked: Series, judged: Series): boolean =>
  marked.direction === judged.direction &&
  marked.metric === judged.metric &&
  (marked.view === null || marked.view === judged.view);
