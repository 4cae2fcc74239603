import { compareWindows, type Frame } from '../../core/traffic/frame.ts';
import type { ContainerInput, Fold, FoldState } from '../../detector/contract.ts';
import type { Service } from './simulator/fleet.ts';
import { FRAME_S } from './simulator/sources.ts';

/** The product's own fold over frames of one service, as if it were alone on its host. */

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

/** Fold one frame of all replicas; `run.state` is replaced. */
export function judge(
  run: { readonly fold: Fold; state: FoldState },
  inputs: readonly ContainerInput[],
  service: Service,
): AllSaid {
  const { state, verdicts } = run.fold.step(run.state, frameOf(inputs, service));
  run.state = state;
  const own: (Said | undefined)[] = Array(inputs.length).fill(undefined);
  let ofService: Said | undefined;
  for (const verdict of verdicts) {
    if (verdict.kind !== 'judged') continue;
    const index = inputs.findIndex(({ container }) => container.name === verdict.scope.container);
    const said = { text: `${verdict.rule}: ${verdict.evidence.text}`, score: verdict.score };
    if (index < 0) ofService = stronger(ofService, said);
    else own[index] = stronger(own[index], said);
  }
  return { own, service: ofService };
}

/** The stronger of two; the first where they are alike. */
export const stronger = (a: Said | undefined, b: Said | undefined): Said | undefined =>
  a === undefined || (b !== undefined && b.score > a.score) ? b : a;

export const isAlarm = (said: Said | undefined): said is Said => said !== undefined && said.score >= 1;

function frameOf(inputs: readonly ContainerInput[], service: Service): Frame {
  const start = inputs[0]?.start ?? 0;
  return {
    host: service.name,
    start,
    durationMs: FRAME_S * 1000,
    previous: start - FRAME_S * 1000,
    faults: [],
    lost: 0,
    occupancy: 0,
    containers: inputs.map(({ container }) => container),
    started: [],
    ended: [],
    windows: inputs
      .flatMap(({ send, receive }) => [send, receive])
      .filter(w => w !== undefined)
      .sort(compareWindows),
    flows: [],
    connections: [],
  };
}
