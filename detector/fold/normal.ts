import type { Rule } from '../../core/config/config.ts';
import type { RuleNormal } from '../../core/incident/normal.ts';
import type { Container } from '../../core/traffic/frame.ts';
import type { AnyDetector, FoldState } from '../contract.ts';
import { bind } from './fold.ts';

/** What the rules of a fold have learnt of a container on a host, by its state. What marks have moved is not in it. */
export type NormalsOf = (state: FoldState, container: Container, host: string) => RuleNormal[];

/** Throws a TidegaugeError when a rule names a detector that is not in the table. */
export function createNormals(rules: readonly Rule[], detectors: readonly AnyDetector[]): NormalsOf {
  const bound = rules.map((rule, i) => bind(rule, i, detectors));
  return (state, container, host) => {
    const where = { host, hasContainers: state.hasContainers };
    const subjects = Object.values(state.subjects.byKey);
    const subject = subjects.find(({ holder }) => holder?.name === container.name);
    if (!subject) return [];
    return bound.flatMap(({ detector, matches, inForce }) => {
      if (detector.scope !== 'container' || !detector.normal || !matches(container, where)) return [];
      const rule = inForce(container, where);
      const own = subject.states[rule.wholeKey];
      return own === undefined ? [] : [{ rule: rule.name, normals: detector.normal(own, rule.options) }];
    });
  };
}
