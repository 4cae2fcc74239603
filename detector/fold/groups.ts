import type { Rule } from '../../core/config/config.ts';
import type { Scope, Verdict } from '../../core/incident/verdict.ts';
import { compareText, isNameless } from '../../core/traffic/frame.ts';
import type { Detector, GroupInput } from '../contract.ts';
import { type BoundRule, judge, type Now, type Present, stateKey } from './judge.ts';
import { overriddenRules, ownRule, type RuleInForce, ruleForAll } from './match.ts';
import { subjectOf } from './subjects.ts';

/** Verdicts of rules on services and hosts. */

type GroupDetector = Detector<'service' | 'host', unknown, unknown>;

/** A rule and the service or host that it judges as a whole. */
interface Group {
  readonly scope: Scope;
  readonly rule: RuleInForce;
  readonly detector: GroupDetector;
  readonly members: readonly Present[];
}

/**
 * Verdicts of the rules on services, then of those on the host. A service without a matching container has none, unless
 * the detector has something to say of that.
 */
export function judgeGroups(bound: readonly BoundRule[], present: readonly Present[], now: Now): Verdict[] {
  const { frame, state } = now;
  const groups: Group[] = [];
  for (const { rule, detector, matches, inForce } of bound) {
    if (detector.scope !== 'service' && detector.scope !== 'host') continue;
    const where = { host: frame.host, hasContainers: state.hasContainers };
    const members = present.filter(one => matches(one.input.container, where));
    const byService = Map.groupBy(members, one =>
      detector.scope === 'service' ? one.input.container.service : null,
    );
    if (detector.scope === 'host' && members.length === 0) byService.set(null, []);
    for (const [service, group] of byService) {
      const scope = { service, container: null, direction: null, metric: null };
      const containers = group.map(one => one.input.container);
      groups.push({ scope, rule: ruleForAll(rule, inForce, containers, where), detector, members: group });
    }
    groups.push(...emptyGroups(rule, detector, now).filter(({ scope }) => !byService.has(scope.service)));
  }
  // A stable sort: within a service, and within the host, the order of the rules remains.
  groups.sort((a, b) => compareServices(a.scope.service, b.scope.service));
  const nameless = frame.containers.filter(isNameless);
  return groups.map(({ scope, rule, detector, members }) => {
    const key = JSON.stringify(scope.service === null ? ['host'] : ['service', scope.service]);
    const input: GroupInput = {
      start: frame.start,
      durationMs: frame.durationMs,
      members: members.map(one => one.input),
      exits: frame.exits ?? [],
      nameless,
    };
    // A service without containers is forgotten in its time.
    const empty = members.length === 0 ? state.subjects.byKey[key] : undefined;
    return judge(rule, detector, empty ?? subjectOf(state.subjects, key, frame.start), scope, input, now);
  });
}

/** Services that the rule's detector has something to say of although none of their containers is in the frame. */
function emptyGroups(rule: Rule, detector: GroupDetector, { frame, state }: Now): Group[] {
  const { whenEmpty } = detector;
  if (!whenEmpty) return [];
  const forms = [ownRule(rule), ...overriddenRules(rule)];
  const groups: Group[] = [];
  for (const key in state.subjects.byKey) {
    const subject = state.subjects.byKey[key];
    if (!subject || subject.seen === frame.start || !key.startsWith(SERVICE_KEY)) continue;
    for (const form of forms) {
      const known = subject.states[stateKey(form.states, { direction: null, metric: null })];
      if (known === undefined || !whenEmpty(known)) continue;
      const service = String(JSON.parse(key)[1]);
      const scope = { service, container: null, direction: null, metric: null };
      groups.push({ scope, rule: form, detector, members: [] });
    }
  }
  return groups;
}

/** How keys of services begin. */
const SERVICE_KEY = '["service",';

/** By name, the host (null) last. */
function compareServices(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return compareText(a, b);
}
