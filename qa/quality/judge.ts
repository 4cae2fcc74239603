import { compareWindows, type Frame } from '../../core/traffic/frame.ts';
import type { ContainerInput, Fold, FoldState } from '../../detector/contract.ts';
import type { Service } from './simulator/fleet.ts';
import { FRAME_S } from './simulator/sources.ts';

/** The product's own fold over frames of one service, as if it were alone on its host. */

/** What a replica's verdicts say at most; those of the service count for its first replica, or for all in a branch. */
export interface Alarms {
  /** The first alarm of each replica, and of the service; undefined: none. */
  readonly own: (Alarm | undefined)[];
  readonly service: Alarm | undefined;
}

export interface Alarm {
  readonly text: string;
  readonly score: number;
}

/** Fold one frame of all replicas; `run.state` is replaced. */
export function judge(
  run: { readonly fold: Fold; state: FoldState },
  inputs: readonly ContainerInput[],
  service: Service,
): Alarms {
  const { state, verdicts } = run.fold.step(run.state, frameOf(inputs, service));
  run.state = state;
  const own: (Alarm | undefined)[] = Array(inputs.length).fill(undefined);
  let ofService: Alarm | undefined;
  for (const verdict of verdicts) {
    if (verdict.kind !== 'judged' || verdict.score < 1) continue;
    const index = inputs.findIndex(({ container }) => container.name === verdict.scope.container);
    const alarm = { text: `${verdict.rule}: ${verdict.evidence.text}`, score: verdict.score };
    if (index < 0) ofService ??= alarm;
    else own[index] ??= alarm;
  }
  return { own, service: ofService };
}

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
