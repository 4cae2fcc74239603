import type { Rule } from '../../core/config/config.ts';
import { seriesValue } from '../../core/traffic/series.ts';
import type { AnyDetector, ContainerInput, GroupInput, Opinion } from '../../detector/contract.ts';
import { bind } from '../../detector/fold/fold.ts';

/**
 * The rules of a candidate on the replicas of one service, as if it were alone on its host. Replicas keep their names here
 * and are always there, so that all that the fold adds is who is who: the detectors themselves say the same, and sooner.
 */

/** What is said most strongly; an alarm from a score of 1 on. */
export interface Said {
  readonly text: string;
  readonly score: number;
}

/** Of each replica, and of the service, which counts for its first replica, or for all in a branch; undefined: nothing. */
export interface AllSaid {
  readonly own: (Said | undefined)[];
  readonly service: Said | undefined;
}

/** What the rules have learnt: by rule, then by replica and series, of a service in the first place. Plain JSON. */
export type Learnt = unknown[][];

/** Rules with their detectors. */
export interface Judge {
  /** Judge one frame of all replicas; changes `learnt`. */
  step(learnt: Learnt, inputs: readonly ContainerInput[]): AllSaid;
}

/** Throws a TidegaugeError when a rule names a detector that is not in the table. */
export function createJudge(rules: readonly Rule[], detectors: readonly AnyDetector[]): Judge {
  const bound = rules.map((rule, i) => ({ rule, detector: bind(rule, i, detectors).detector }));
  return {
    step(learnt, inputs) {
      const own: (Said | undefined)[] = Array(inputs.length).fill(undefined);
      let service: Said | undefined;
      for (const [i, { rule, detector }] of bound.entries()) {
        learnt[i] ??= [];
        const say = (opinion: Opinion, of: number | null) => {
          if ('abstain' in opinion) return;
          const said = { text: `${rule.name}: ${opinion.evidence.text}`, score: opinion.score };
          const named = inputs.findIndex(({ container }) => container.name === opinion.container);
          const index = of ?? named;
          if (index < 0) service = stronger(service, said);
          else own[index] = stronger(own[index], said);
        };
        judgeAll(detector, rule.options, learnt[i], inputs, say);
      }
      return { own, service };
    },
  };
}

type Say = (opinion: Opinion, replica: number | null) => void;

function judgeAll(
  detector: AnyDetector,
  options: unknown,
  states: unknown[],
  inputs: readonly ContainerInput[],
  say: Say,
): void {
  const next = (at: number, step: (before: unknown) => { state: unknown; opinion: Opinion }): Opinion => {
    const { state, opinion } = step(states[at] ?? detector.init(options));
    states[at] = state;
    return opinion;
  };
  if (detector.scope === 'service' || detector.scope === 'host') {
    const group = groupOf(inputs);
    say(
      next(0, before => detector.step(before, group, options)),
      null,
    );
    return;
  }
  if (detector.scope === 'container') {
    for (const [i, input] of inputs.entries())
      say(
        next(i, before => detector.step(before, input, options)),
        i,
      );
    return;
  }
  const series = detector.series(options);
  for (const [i, input] of inputs.entries()) {
    for (const [k, { direction, metric }] of series.entries()) {
      const { start, durationMs } = input;
      const value = seriesValue(metric, input[direction], durationMs);
      const one = { start, durationMs, direction, metric, value };
      say(
        next(i * series.length + k, before => detector.step(before, one, options)),
        i,
      );
    }
  }
}

const groupOf = (inputs: readonly ContainerInput[]): GroupInput => ({
  start: inputs[0]?.start ?? 0,
  durationMs: inputs[0]?.durationMs ?? 0,
  members: inputs,
  exits: [],
  nameless: [],
});

/** The stronger of two; the first where they are alike. */
export const stronger = (a: Said | undefined, b: Said | undefined): Said | undefined =>
  a === undefined || (b !== undefined && b.score > a.score) ? b : a;

export const isAlarm = (said: Said | undefined): said is Said => said !== undefined && said.score >= 1;
