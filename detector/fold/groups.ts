import type { Scope, Verdict } from '../../core/incident/verdict.ts';
import { compareText, isNameless } from '../../core/traffic/frame.ts';
import type { Detector, GroupInput, Subject } from '../contract.ts';
import { type Bound, type BoundRule, judge, type Now, type Present } from './judge.ts';
import { overriddenRules, ownRule, type RuleInForce, ruleForAll } from './match.ts';
import { keyOfService, type ServiceKeys } from './services.ts';
import { subjectOf } from './subjects.ts';

/** Verdicts of rules on services and hosts. */

type GroupDetector = Detector<'service' | 'host', unknown, unknown>;
type GroupRule = Bound<GroupDetector>;

/** Whom a rule judges as a whole: a service, or the host (null). */
interface Group {
  readonly service: string | null;
  readonly scope: Scope;
  /** Of its subject. */
  readonly key: string;
  /** Those who are in the frame. */
  readonly present: readonly Present[];
}

const scopeOf = (service: string | null): Scope => ({
  service,
  container: null,
  direction: null,
  metric: null,
});
const HOST = { service: null, scope: scopeOf(null), key: JSON.stringify(['host']) };

/**
 * Adds the verdicts of the rules on services, by name, then of those on the host; of each in the order of the rules. A service
 * without a matching container has none, unless the detector has something to say of that. `services`: those that the
 * state knows.
 */
export function judgeGroups(
  bound: readonly BoundRule[],
  present: readonly Present[],
  services: ServiceKeys,
  now: Now,
  verdicts: Verdict[],
): void {
  const { frame } = now;
  const moment: Omit<GroupInput, 'members'> = {
    start: frame.start,
    durationMs: frame.durationMs,
    exits: frame.exits ?? [],
    nameless: frame.containers.filter(isNameless),
  };
  const judgeGroup = (rule: GroupRule, group: Group) => {
    const members = group.present.filter(one => rule.matches(one.input.container, now.where));
    const input = { ...moment, members: members.map(one => one.input) };
    for (const form of formsFor(rule, group, members, now))
      verdicts.push(judge(form, rule.detector, subjectFor(group, members, now), group.scope, input, now));
  };
  const ofServices = bound.filter((one): one is GroupRule => one.detector.scope === 'service');
  for (const group of servicesIn(present, services, now))
    for (const rule of ofServices) judgeGroup(rule, group);
  const ofHost = bound.filter((one): one is GroupRule => one.detector.scope === 'host');
  for (const rule of ofHost) judgeGroup(rule, { ...HOST, present });
}

/** Services of the frame and those that are known, by name. */
function servicesIn(present: readonly Present[], services: ServiceKeys, { state }: Now): Group[] {
  const byService = Map.groupBy(present, one => one.input.container.service);
  for (const [service, key] of services) {
    if (byService.has(service)) continue;
    if (state.subjects.byKey[key]) byService.set(service, []);
    else services.delete(service);
  }
  const groups = [...byService].map(([service, members]) => ({
    service,
    scope: scopeOf(service),
    key: keyOfService(services, service),
    present: members,
  }));
  return groups.sort((a, b) => compareText(a.service, b.service));
}

/** The rule as it is in force for the group; none: it has nothing to say of it. */
function formsFor(
  { rule, detector, inForce }: GroupRule,
  group: Group,
  members: readonly Present[],
  now: Now,
): readonly RuleInForce[] {
  if (members.length > 0 || group.service === null) {
    const containers = members.map(one => one.input.container);
    return [ruleForAll(rule, inForce, containers, now.where)];
  }
  const { whenEmpty } = detector;
  const subject = now.state.subjects.byKey[group.key];
  if (!whenEmpty || !subject) return [];
  return [ownRule(rule), ...overriddenRules(rule)].filter(({ wholeKey }) => {
    const known = subject.states[wholeKey];
    return known !== undefined && whenEmpty(known);
  });
}

/** A service without containers is forgotten in its time. */
function subjectFor({ key }: Group, members: readonly Present[], { state, frame }: Now): Subject {
  const empty = members.length === 0 ? state.subjects.byKey[key] : undefined;
  return empty ?? subjectOf(state.subjects, key, frame.start);
}
