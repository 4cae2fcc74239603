import type { Config } from '../../core/config/config.ts';
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
      return { at: last, rules: normalsOf(fold.decode(checkpoint.data).fold, container, host) };
    }
    return null;
  };
}
