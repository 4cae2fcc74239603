import type { Rule } from '../../core/config/config.ts';
import type { Judged, Scope, Verdict } from '../../core/incident/verdict.ts';
import { type Frame, isComplete } from '../../core/traffic/frame.ts';
import type {
  AnyDetector,
  ContainerInput,
  FoldState,
  Opinion,
  RaisedLimits,
  RaisedView,
  Subject,
} from '../contract.ts';
import { factorText } from './marks.ts';
import { type matcher, type RuleInForce, type ruleChooser, stateKey, type Where } from './match.ts';

/** One rule on one input: what its detector says, by the limit that marks have raised. */

/** A rule with its detector. */
export interface Bound<D> {
  readonly rule: Rule;
  readonly detector: D;
  readonly matches: ReturnType<typeof matcher>;
  /** The rule with the options that are in force for a container. */
  readonly inForce: ReturnType<typeof ruleChooser>;
}
export type BoundRule = Bound<AnyDetector>;

/** What all judging of a frame shares. */
export interface Now {
  readonly frame: Frame;
  readonly where: Where;
  readonly state: FoldState;
  readonly raised: RaisedLimits;
}

/** A container of the frame with the memory it goes on with. */
export interface Present {
  readonly input: ContainerInput;
  readonly subject: Subject;
  /** One of its service's short-lived containers: what is said of it is said of the service. */
  readonly ofMany: boolean;
  /** Of verdicts on it as a whole. */
  readonly scope: Scope;
}

/** Let a detector judge one input; an incomplete frame teaches nothing and is not judged. */
export function judge<Input>(
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
  const { name, states, wholeKey, options } = rule;
  if (!isComplete(frame))
    return { rule: name, scope, kind: 'abstained', reason: 'incomplete frame', until: null };
  const { service, direction, metric } = scope;
  const key = direction === null && metric === null ? wholeKey : stateKey(states, scope);
  const before = subject.states[key] ?? detector.init(options);
  const moved = raised.of(name, service);
  const { state, opinion } = moved
    ? detector.step(before, input, options, view => moved.factor({ direction, metric, view }))
    : detector.step(before, input, options);
  subject.states[key] = state;
  if ('abstain' in opinion)
    return { rule: name, scope, kind: 'abstained', reason: opinion.abstain, until: opinion.until ?? null };
  const { score, evidence, container, heldMs } = opinion;
  const about = container === undefined ? scope : { ...scope, container };
  const held = heldMs === undefined ? {} : { heldMs };
  const judged: Judged = { rule: name, scope: about, kind: 'judged', score, evidence, ...held };
  return moved ? byMarks(judged, raised) : judged;
}

/** A verdict by the limit that marks have raised; one of a view was judged by it. The evidence says so. */
export function byMarks(judged: Judged, raised: RaisedLimits): Judged {
  const { rule, score, evidence, scope } = judged;
  const { direction, metric } = scope;
  const factor = raised.of(rule, scope.service)?.factor({ direction, metric, view: evidence.view ?? null });
  if (factor === undefined || factor === 1) return judged;
  const text = `${evidence.text}; ${factorText(factor)} by marks`;
  // It was held by another limit.
  const { heldMs: _, ...rest } = judged;
  return {
    ...rest,
    score: evidence.view === undefined ? score / factor : score,
    evidence: { ...evidence, raised: factor, text },
  };
}
