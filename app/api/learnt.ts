import { stepOver } from '../../alert/host.ts';
import type { Config } from '../../core/config/config.ts';
import { concerns, learningIn } from '../../core/incident/learning.ts';
import { frameEnd } from '../../core/traffic/frame.ts';
import { NOTHING_RAISED } from '../../detector/fold/marks.ts';
import type { LearntOf } from '../../http/api/contract.ts';
import type { State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';
import { makeFold, makeNormals } from '../wire.ts';

/** Reads what the rules in force have learnt of a container from the newest checkpoint of its host. */
export function learntFrom(
  config: Config,
  {
    state,
    store,
  }: { readonly state: Pick<State, 'loadCheckpoint'>; readonly store: Pick<Store, 'readFrames'> },
): LearntOf {
  const fold = makeFold(config);
  const normalsOf = makeNormals(config);
  return async (host, name) => {
    const checkpoint = await state.loadCheckpoint(host, fold.fingerprint);
    if (!checkpoint) return null;
    const { last } = checkpoint;
    for await (const frame of store.readFrames(host, { from: last, to: last + 1 })) {
      const container = frame.containers.find(one => one.name === name);
      if (!container) continue;
      const known = fold.decode(checkpoint.data);
      const rules = normalsOf(known.fold, container, host);
      // What they would say next: they are asked with this frame once more, which changes what they know.
      const end = frameEnd(frame);
      const again = { ...frame, faults: [], start: end, previous: frame.start };
      const verdicts = stepOver(fold, known, again, NOTHING_RAISED, () => undefined)?.verdicts ?? [];
      const learning = learningIn(verdicts)
        .filter(({ scope }) => concerns(scope, container))
        .map(({ rule, until }) => ({ rule, until }));
      return { at: last, rules, learning };
    }
    return null;
  };
}
