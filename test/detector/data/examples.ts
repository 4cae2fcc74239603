import type { AnyDetector, InputOf, Opinion, ScopeKind } from '../../../detector/contract.ts';

/** Runs a detector over inputs from its initial state; the opinion of each. */
export function run<K extends ScopeKind>(
  detector: AnyDetector & { scope: K },
  options: Readonly<Record<string, unknown>>,
  inputs: readonly InputOf[K][],
): Opinion[] {
  const parsed = detector.options.parse(options);
  const step = detector.step as (
    s: unknown,
    i: InputOf[K],
    o: unknown,
  ) => { state: unknown; opinion: Opinion };
  let state = detector.init(parsed);
  return inputs.map(input => {
    const result = step(state, input, parsed);
    state = result.state;
    return result.opinion;
  });
}

/** Indices of the opinions that alarm. */
export const alarmsOf = (opinions: readonly Opinion[]): number[] =>
  opinions.flatMap((opinion, i) => ('score' in opinion && opinion.score >= 1 ? [i] : []));

/** What the worked examples of a detector get wrong, one line each; none: all are true. */
export function wrongExamples(detector: AnyDetector): string[] {
  return detector.examples.flatMap(example => {
    const found = alarmsOf(run(detector, example.options, example.inputs as never[]));
    const same = JSON.stringify(found) === JSON.stringify(example.alarms);
    return same
      ? []
      : [
          `${detector.name}: ${example.title}: alarms ${JSON.stringify(found)}, not ${JSON.stringify(example.alarms)}`,
        ];
  });
}
