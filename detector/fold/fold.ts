import { createHash } from 'node:crypto';
import type { Rule } from '../../core/config/config.ts';
import { printable, TidegaugeError } from '../../core/errors.ts';
import type { Judged, Scope, Verdict } from '../../core/incident/verdict.ts';
import { compareText, type Frame, isComplete } from '../../core/traffic/frame.ts';
import { seriesValue } from '../../core/traffic/series.ts';
import type {
  AnyDetector,
  ContainerInput,
  Detector,
  Fold,
  FoldState,
  GroupInput,
  Opinion,
  RaisedLimits,
  RaisedView,
  Subject,
} from '../contract.ts';
import { absenceRules, judgeAbsence } from './absence.ts';
import { identify, isOneOfMany } from './identity.ts';
import { inputsOf } from './inputs.ts';
import { factorText, NOTHING_RAISED } from './marks.ts';
import { matcher, type RuleInForce, ruleChooser, ruleForAll } from './match.ts';
import { DEFAULT_LIMITS, forget, type Limits, noSubjects, subjectOf } from './subjects.ts';

/** Raised whenever the same frames would give other verdicts, or the state another shape. */
const VERSION = 5;

/** A rule with its detector. */
interface Bound<D> {
  readonly rule: Rule;
  readonly detector: D;
  readonly matches: ReturnType<typeof matcher>;
  /** The rule with the options that are in force for a container. */
  readonly inForce: ReturnType<typeof ruleChooser>;
}
type BoundRule = Bound<AnyDetector>;

/** What all judging of a frame shares. */
interface Now {
  readonly frame: Frame;
  readonly state: FoldState;
  readonly raised: RaisedLimits;
}

/** A container of the frame with the memory it goes on with. */
interface Present {
  readonly input: ContainerInput;
  readonly subject: Subject;
  /** One of its service's short-lived containers: what is said of it is said of the service. */
  readonly ofMany: boolean;
}

/**
 * The pure fold over the frames of one host that live workers, replay and review all run.
 * Throws a TidegaugeError when a rule names a detector that is not in the table.
 */
export function createFold(settings: {
  rules: readonly Rule[];
  detectors: readonly AnyDetector[];
  limits?: Limits;
}): Fold {
  const limits = settings.limits ?? DEFAULT_LIMITS;
  const bound = settings.rules.map((rule, i) => bind(rule, i, settings.detectors));
  const absence = absenceRules(settings.rules);
  const fingerprint = createHash('sha256')
    .update(canonical({ version: VERSION, rules: settings.rules, limits }))
    .digest('hex')
    .slice(0, 16);
  return {
    fingerprint,
    init: () => ({ last: null, hasContainers: false, subjects: noSubjects(), expected: {} }),
    step(state, frame, raised = NOTHING_RAISED) {
      if (state.last !== null && frame.start <= state.last) return { state, verdicts: [] };
      state.last = frame.start;
      state.hasContainers ||= frame.containers.some(container => container.kind === 'container');
      const now = { frame, state, raised };
      const present = presentIn(frame, state);
      const where = { host: frame.host, hasContainers: state.hasContainers };
      const absent = judgeAbsence(absence, state.expected, frame, where, raised);
      const verdicts = [
        ...present.flatMap(one => bound.flatMap(rule => judgeOne(rule, one, now))),
        ...judgeGroups(bound, present, now),
        ...absent.map(verdict => (verdict.kind === 'judged' ? byMarks(verdict, raised) : verdict)),
      ];
      forget(state.subjects, limits, frame.start);
      return { state, verdicts };
    },
  };
}

function bind(rule: Rule, index: number, detectors: readonly AnyDetector[]): BoundRule {
  const detector = detectors.find(one => one.name === rule.use);
  if (detector) return { rule, detector, matches: matcher(rule.match), inForce: ruleChooser(rule) };
  throw new TidegaugeError({
    place: `detectors.${index}.use`,
    expected: `one of ${detectors.map(one => one.name).join(', ')}`,
    found: rule.use,
    remedy: 'Name a detector that exists.',
  });
}

/** Everyone in the frame. */
function presentIn(frame: Frame, { subjects }: FoldState): Present[] {
  const identified = identify(frame, subjects);
  const inputs = inputsOf(frame, identified);
  return identified.map(({ subject }, i) => ({
    input: inputs[i] as ContainerInput,
    subject,
    ofMany: isOneOfMany(subject, frame.start),
  }));
}

/** Verdicts of one rule on one container: of each of its series, or of it as a whole. */
function judgeOne(bound: BoundRule, one: Present, now: Now): Verdict[] {
  const { detector } = bound;
  const { frame, state } = now;
  const { input, subject, ofMany } = one;
  const { container } = input;
  if (detector.scope !== 'series' && detector.scope !== 'container') return [];
  const where = { host: frame.host, hasContainers: state.hasContainers };
  if (!bound.matches(container, where)) return [];
  const rule = bound.inForce(container, where);
  const whole: Scope = {
    service: container.service,
    container: ofMany ? null : container.name,
    direction: null,
    metric: null,
  };
  const said = (verdict: Verdict) => (ofMany ? naming(container.name, verdict) : verdict);
  if (detector.scope === 'container') return [said(judge(rule, detector, subject, whole, input, now))];
  return detector.series(rule.options).map(({ direction, metric }) => {
    const value = seriesValue(metric, input[direction], frame.durationMs);
    const series = { start: frame.start, durationMs: frame.durationMs, direction, metric, value };
    return said(judge(rule, detector, subject, { ...whole, direction, metric }, series, now));
  });
}

/** What is said of a service because of one of its containers tells which. */
function naming(name: string, verdict: Verdict): Verdict {
  if (verdict.kind === 'abstained') return verdict;
  const text = `${verdict.evidence.text} (${printable(name, 60)})`;
  return { ...verdict, evidence: { ...verdict.evidence, text } };
}

/** Verdicts of the rules on services, then of those on the host. A service without a matching container has none. */
function judgeGroups(bound: readonly BoundRule[], present: readonly Present[], now: Now): Verdict[] {
  const { frame, state } = now;
  const groups: {
    scope: Scope;
    rule: RuleInForce;
    detector: Detector<'service' | 'host', unknown, unknown>;
    members: Present[];
  }[] = [];
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
  }
  // A stable sort: within a service, and within the host, the order of the rules remains.
  groups.sort((a, b) => compareServices(a.scope.service, b.scope.service));
  return groups.map(({ scope, rule, detector, members }) => {
    const key = JSON.stringify(scope.service === null ? ['host'] : ['service', scope.service]);
    const input: GroupInput = {
      start: frame.start,
      durationMs: frame.durationMs,
      members: members.map(one => one.input),
    };
    return judge(rule, detector, subjectOf(state.subjects, key, frame.start), scope, input, now);
  });
}

/** By name, the host (null) last. */
function compareServices(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return compareText(a, b);
}

/** Let a detector judge one input; an incomplete frame teaches nothing and is not judged. */
function judge<Input>(
  rule: RuleInForce,
  detector: {
    init(options: unknown): unknown;
    step(
      state: unknown,
      input: Input,
      options: unknown,
      raised?: RaisedView,
    ): { state: unknown; opinion: Opinion };
  },
  subject: Subject,
  scope: Scope,
  input: Input,
  { frame, raised }: Now,
): Verdict {
  const said = { rule: rule.name, scope };
  if (!isComplete(frame)) return { ...said, kind: 'abstained', reason: 'incomplete frame', until: null };
  const key = `${rule.states} ${scope.direction ?? ''} ${scope.metric ?? ''}`;
  const before = subject.states[key] ?? detector.init(rule.options);
  const moved = raised.of(rule.name, scope.service);
  const { direction, metric } = scope;
  const { state, opinion } = moved
    ? detector.step(before, input, rule.options, view => moved.factor({ direction, metric, view }))
    : detector.step(before, input, rule.options);
  subject.states[key] = state;
  if ('abstain' in opinion)
    return { ...said, kind: 'abstained', reason: opinion.abstain, until: opinion.until ?? null };
  const judged = { ...said, kind: 'judged', score: opinion.score, evidence: opinion.evidence } as const;
  return byMarks(judged, raised);
}

/** A verdict by the limit that marks have raised; one of a view was judged by it. The evidence says so. */
function byMarks(judged: Judged, raised: RaisedLimits): Judged {
  const { rule, score, evidence, scope } = judged;
  const { direction, metric } = scope;
  const factor = raised.of(rule, scope.service)?.factor({ direction, metric, view: evidence.view ?? null });
  if (factor === undefined || factor === 1) return judged;
  const text = `${evidence.text}; limit ${factorText(factor)} by marks`;
  return {
    ...judged,
    score: evidence.view === undefined ? score / factor : score,
    evidence: { ...evidence, raised: factor, text },
  };
}

/** JSON with sorted keys: the same settings give the same text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => compareText(a, b)))
      : part,
  );
}
