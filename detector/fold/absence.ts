import type { Rule } from '../../core/config/config.ts';
import { isExact, listOf } from '../../core/config/match.ts';
import { formatDuration, formatLength } from '../../core/config/units.ts';
import { ABSENCE_VIEW, type Scope, type Verdict } from '../../core/incident/verdict.ts';
import { exitText } from '../../core/traffic/exit.ts';
import {
  type Container,
  type Exit,
  type Frame,
  frameEnd,
  isComplete,
  isNameless,
  shortId,
} from '../../core/traffic/frame.ts';
import type { Expected, RaisedLimits } from '../contract.ts';
import { MAX_SCORE } from '../shared/for-duration.ts';
import { matcher, type Where } from './match.ts';

/**
 * Containers and services that a rule names are expected to be there: one that was seen and is gone is an alarm, because
 * no traffic of theirs could raise one any more.
 */

/** How long a deploy may take, ms, where the rule does not say. */
const ABSENT_AFTER_MS = 60_000;

/** Ids that are kept of a service. */
const MOST_IDS = 16;

/** Someone a rule names without a wildcard. */
interface Named {
  readonly key: 'container' | 'service';
  readonly name: string;
}

/** A rule that minds absence. */
export interface AbsenceRule {
  readonly rule: Rule;
  readonly named: readonly Named[];
  readonly afterMs: number;
  readonly matches: (container: Container, where: Where) => boolean;
}

/** The rules that mind absence, in their order: those that name somebody, and do not say `absent: ignore`. */
export function absenceRules(rules: readonly Rule[]): AbsenceRule[] {
  const minded = new Set<string>();
  return rules.flatMap(rule => {
    if (rule.absent === 'ignore') return [];
    // Of rules with one match, as `auto` has several, the first speaks for all.
    const named = namedBy(rule).filter(one => {
      const key = JSON.stringify([rule.match, one, rule.absent_after ?? ABSENT_AFTER_MS]);
      const isNew = !minded.has(key);
      minded.add(key);
      return isNew;
    });
    if (named.length === 0) return [];
    return [{ rule, named, afterMs: rule.absent_after ?? ABSENT_AFTER_MS, matches: matcher(rule.match) }];
  });
}

/** Containers where the rule names some, else services. */
export function namedBy({ match }: Pick<Rule, 'match'>): Named[] {
  const of = (key: Named['key']) =>
    listOf(match[key] ?? [])
      .filter(isExact)
      .map(name => ({ key, name }));
  const containers = of('container');
  return containers.length > 0 ? containers : of('service');
}

/**
 * Verdicts on those who are absent from a frame, and `expected` brought up to it: it has an entry for each that was ever
 * seen on this host, so it is bounded by the rules. The score is the time of absence, in units of what the rule allows.
 */
export function judgeAbsence(
  rules: readonly AbsenceRule[],
  expected: Record<string, Expected>,
  frame: Frame,
  where: Where,
  raised: RaisedLimits,
): Verdict[] {
  return rules.flatMap(one =>
    one.named.flatMap(named => {
      const key = JSON.stringify([one.rule.name, named.key, named.name]);
      const [there, ...others] = frame.containers.filter(
        container => fieldOf(container, named) === named.name && one.matches(container, where),
      );
      const exit = frame.exits?.find(
        ({ container }) => named.key === 'container' && container === named.name,
      );
      if (there) {
        const { service } = there;
        expected[key] = { seen: frameEnd(frame), service, ...idsIn([there, ...others]), ...exitIn(exit) };
        return [];
      }
      const known = expected[key];
      if (!known) return [];
      if (isThereNameless(known, frame)) {
        known.seen = frameEnd(frame);
        return [];
      }
      Object.assign(known, exitIn(exit));
      return [verdictOf(one, named, known, frame, raised)];
    }),
  );
}

function idsIn(containers: readonly Container[]): Pick<Expected, 'ids'> {
  const ids = containers.flatMap(({ id }) => (id === '' ? [] : [shortId(id)])).slice(0, MOST_IDS);
  return ids.length === 0 ? {} : { ids };
}

/** Nobody tells the names of containers any more, as when Docker cannot be reached after a restart: it still runs. */
const isThereNameless = ({ ids }: Expected, { containers }: Frame): boolean =>
  ids !== undefined && containers.some(one => isNameless(one) && ids.includes(shortId(one.id)));

const exitIn = (exit: Exit | undefined) => (exit ? { exit: exitText(exit) } : {});

const fieldOf = (container: Container, { key }: Named): string =>
  key === 'container' ? container.name : container.service;

function verdictOf(
  { rule, afterMs: usualMs }: AbsenceRule,
  named: Named,
  known: Expected,
  frame: Frame,
  raised: RaisedLimits,
): Verdict {
  const scope: Scope = {
    service: known.service,
    container: named.key === 'container' ? named.name : null,
    direction: null,
    metric: null,
  };
  const said = { rule: rule.name, scope };
  if (!isComplete(frame)) return { ...said, kind: 'abstained', reason: 'incomplete frame', until: null };
  const moved = raised.of(rule.name, known.service)?.factor({ ...scope, view: ABSENCE_VIEW }) ?? 1;
  const afterMs = usualMs * moved;
  const goneMs = Math.max(0, frameEnd(frame) - known.seen);
  return {
    ...said,
    kind: 'judged',
    score: Math.min(goneMs / afterMs, MAX_SCORE),
    evidence: {
      seen: goneMs / 1000,
      low: null,
      high: afterMs / 1000,
      unit: 's',
      view: ABSENCE_VIEW,
      text: `not running for ${formatLength(goneMs)}${known.exit === undefined ? '' : `: ${known.exit}`}, expected to be back within ${formatDuration(Math.round(afterMs))}`,
    },
  };
}
