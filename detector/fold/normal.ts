import type { Rule } from '../../core/config/config.ts';
import type { RuleNormal } from '../../core/incident/normal.ts';
import { type Container, type Frame, frameEnd, isComplete } from '../../core/traffic/frame.ts';
import type { AnyDetector, ExpectedIn, FoldState, Subject } from '../contract.ts';
import { bind } from './fold.ts';
import { NOTHING_RAISED } from './marks.ts';

/** What the rules of a fold have learnt, by its state. Nothing here changes it. */

/** What they have learnt of a container on a host. What marks have moved is not in it. */
export type NormalsOf = (state: FoldState, container: Container, host: string) => RuleNormal[];

/** Throws a TidegaugeError when a rule names a detector that is not in the table. */
export function createNormals(rules: readonly Rule[], detectors: readonly AnyDetector[]): NormalsOf {
  const bound = rules.map((rule, i) => bind(rule, i, detectors));
  return (state, container, host) => {
    const where = { host, hasContainers: state.hasContainers };
    const subject = subjectsThere(state).get(container.name);
    if (!subject) return [];
    return bound.flatMap(({ detector, matches, inForce }) => {
      if (detector.scope !== 'container' || !detector.normal || !matches(container, where)) return [];
      const rule = inForce(container, where);
      const own = subject.states[rule.wholeKey];
      return own === undefined ? [] : [{ rule: rule.name, normals: detector.normal(own, rule.options) }];
    });
  };
}

const MINUTE_MS = 60_000;

/**
 * Rows of the frames in which a minute ends, for limits move slowly; none of an incomplete frame, which is not judged.
 * By container, then in the order of the rules. Throws a TidegaugeError when a rule names a detector that is not in the table.
 */
export function createExpected(rules: readonly Rule[], detectors: readonly AnyDetector[]): ExpectedIn {
  const bound = rules.map((rule, i) => bind(rule, i, detectors));
  return (state, frame, raised = NOTHING_RAISED) => {
    if (!isComplete(frame) || !endsMinute(frame)) return [];
    const { host, start } = frame;
    const where = { host, hasContainers: state.hasContainers };
    const subjects = subjectsThere(state);
    return frame.containers.flatMap(container => {
      const subject = subjects.get(container.name);
      if (!subject) return [];
      const { name, service } = container;
      return bound.flatMap(({ detector, matches, inForce }) => {
        if (detector.scope !== 'container' || !detector.expects || !matches(container, where)) return [];
        const rule = inForce(container, where);
        const own = subject.states[rule.wholeKey];
        if (own === undefined) return [];
        const moved = raised.of(rule.name, service);
        const factor = (view: string) => moved?.factor({ direction: null, metric: null, view }) ?? 1;
        return detector
          .expects(own, rule.options, factor)
          .map(range => ({ host, service, container: name, start, rule: rule.name, ...range }));
      });
    });
  };
}

const endsMinute = (frame: Frame): boolean =>
  Math.floor(frameEnd(frame) / MINUTE_MS) > Math.floor(frame.start / MINUTE_MS);

/** Memories of the containers of the frame that was folded last, by their names: another may have had the same before. */
function subjectsThere({ subjects, last }: FoldState): Map<string, Subject> {
  const there = Object.values(subjects.byKey).filter(({ seen }) => seen === last);
  return new Map(there.flatMap(subject => (subject.holder ? [[subject.holder.name, subject]] : [])));
}
