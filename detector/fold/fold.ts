import { createHash } from 'node:crypto';
import type { Rule } from '../../core/config/config.ts';
import { printable, TidegaugeError } from '../../core/errors.ts';
import type { Scope, Verdict } from '../../core/incident/verdict.ts';
import { type Container, compareText, type Frame } from '../../core/traffic/frame.ts';
import { seriesValue } from '../../core/traffic/series.ts';
import type {
  AnyDetector,
  ContainerInput,
  Fold,
  FoldState,
  RaisedLimits,
  Share,
  ShareVerdicts,
} from '../contract.ts';
import { absenceRules, judgeAbsence } from './absence.ts';
import { judgeGroups } from './groups.ts';
import { identify, isOneOfMany } from './identity.ts';
import { inputsOf } from './inputs.ts';
import { type BoundRule, byMarks, judge, type Now, type Present } from './judge.ts';
import { NOTHING_RAISED } from './marks.ts';
import { matcher, ruleChooser } from './match.ts';
import { Services } from './services.ts';
import { DEFAULT_LIMITS, forget, type Limits, noSubjects } from './subjects.ts';

/** Raised whenever the same frames would give other verdicts, or the state another shape. */
const VERSION = 15;

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
  const ofContainers = bound.filter(({ detector: { scope } }) => scope === 'series' || scope === 'container');
  const ofGroups = bound.filter(({ detector: { scope } }) => scope === 'service' || scope === 'host');
  const services = new Services();
  const absence = absenceRules(settings.rules);
  const fingerprint = createHash('sha256')
    .update(canonical({ version: VERSION, rules: settings.rules, limits }))
    .digest('hex')
    .slice(0, 16);
  return {
    fingerprint,
    init: () => ({ last: null, hasContainers: false, subjects: noSubjects(), expected: {} }),
    step(state, frame, raised = NOTHING_RAISED) {
      return { state, verdicts: judgeFrame(state, frame, raised, null).verdicts };
    },
    stepShare: judgeFrame,
  };

  function judgeFrame(
    state: FoldState,
    frame: Frame,
    raised: RaisedLimits,
    share: Share | null,
  ): ShareVerdicts {
    const verdicts: Verdict[] = [];
    const ends: number[] = [];
    if (state.last !== null && frame.start <= state.last) return { verdicts, ends };
    state.last = frame.start;
    state.hasContainers ||= frame.containers.some(container => container.kind === 'container');
    const where = { host: frame.host, hasContainers: state.hasContainers };
    const now = { frame, where, state, raised };
    const present = presentIn(frame, state, share?.containers ?? frame.containers);
    for (const one of present) {
      for (const rule of ofContainers) judgeOne(rule, one, now, verdicts);
      ends.push(verdicts.length);
    }
    judgeGroups(ofGroups, present, services.of(state.subjects), now, verdicts);
    ends.push(verdicts.length);
    if (!share || share.judgesAbsence)
      for (const verdict of judgeAbsence(absence, state.expected, frame, where, raised))
        verdicts.push(verdict.kind === 'judged' ? byMarks(verdict, raised) : verdict);
    forget(state.subjects, limits, frame.start);
    return { verdicts, ends };
  }
}

/** A rule with its detector. Throws a TidegaugeError when the table has none of its name. */
export function bind(rule: Rule, index: number, detectors: readonly AnyDetector[]): BoundRule {
  const detector = detectors.find(one => one.name === rule.use);
  if (detector) return { rule, detector, matches: matcher(rule.match), inForce: ruleChooser(rule) };
  throw new TidegaugeError({
    place: `detectors.${index}.use`,
    expected: `one of ${detectors.map(one => one.name).join(', ')}`,
    found: rule.use,
    remedy: 'Name a detector that exists.',
  });
}

/** These containers of the frame. */
function presentIn(frame: Frame, { subjects }: FoldState, containers: readonly Container[]): Present[] {
  const identified = identify(frame, subjects, containers);
  const inputs = inputsOf(frame, identified);
  return identified.map(({ container, subject }, i) => {
    const ofMany = isOneOfMany(subject, frame.start);
    const scope: Scope = {
      service: container.service,
      container: ofMany ? null : container.name,
      direction: null,
      metric: null,
    };
    return { input: inputs[i] as ContainerInput, subject, ofMany, scope };
  });
}

/** Adds the verdicts of one rule on one container: of each of its series, or of it as a whole. */
function judgeOne(bound: BoundRule, one: Present, now: Now, verdicts: Verdict[]): void {
  const { detector } = bound;
  const { frame, where } = now;
  const { input, subject, ofMany, scope } = one;
  const { container } = input;
  if (detector.scope !== 'series' && detector.scope !== 'container') return;
  if (!bound.matches(container, where)) return;
  const rule = bound.inForce(container, where);
  const say = (verdict: Verdict) => verdicts.push(ofMany ? naming(container.name, verdict) : verdict);
  if (detector.scope === 'container') {
    say(judge(rule, detector, subject, scope, input, now));
    return;
  }
  for (const { direction, metric } of detector.series(rule.options)) {
    const value = seriesValue(metric, input[direction], frame.durationMs);
    const series = { start: frame.start, durationMs: frame.durationMs, direction, metric, value };
    say(judge(rule, detector, subject, { ...scope, direction, metric }, series, now));
  }
}

/** What is said of a service because of one of its containers tells which. */
function naming(name: string, verdict: Verdict): Verdict {
  if (verdict.kind === 'abstained') return verdict;
  const text = `${verdict.evidence.text} (${printable(name, 60)})`;
  return { ...verdict, evidence: { ...verdict.evidence, text } };
}

/** JSON with sorted keys: the same settings give the same text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => compareText(a, b)))
      : part,
  );
}
