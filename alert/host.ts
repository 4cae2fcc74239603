import { createHash } from 'node:crypto';
import type { Incident, Notification } from '../core/incident/incident.ts';
import type { ExpectedRange } from '../core/incident/normal.ts';
import type { Verdict } from '../core/incident/verdict.ts';
import type { Frame } from '../core/traffic/frame.ts';
import type { ExpectedIn, Fold, RaisedLimits } from '../detector/contract.ts';
import { decode, encode, type HostState, save } from './host-state.ts';
import type { Output, Pipeline, PipelineResult } from './pipeline.ts';

/** What one frame brought: verdicts of the detectors and what the stages made of them. */
export interface HostOutput extends Omit<PipelineResult, 'state'> {
  readonly verdicts: readonly Verdict[];
  /** What rules expect now, where this frame has rows of it. */
  readonly expected: readonly ExpectedRange[];
}

/** From the frames of one host to incidents: what workers, replay and review all run. */
export interface HostFold {
  /** Identifies settings and code: a state of another fingerprint is not to be continued. */
  readonly fingerprint: string;
  init(): HostState;
  /**
   * A frame that does not start after the last one gives nothing and changes nothing. May change `state` in place:
   * the caller owns it and never uses the old one again. `raised`: what marks have moved in this frame.
   */
  step(state: HostState, frame: Frame, raised?: RaisedLimits): HostOutput & { readonly state: HostState };
  /** The second half of a step: what the stages make of what the rules say of a frame. The rules' state stays as it is. */
  conclude(
    state: HostState,
    frame: Frame,
    verdicts: readonly Verdict[],
  ): HostOutput & { readonly state: HostState };
  /** Ids of the incidents that are firing. */
  openIncidents(state: HostState): ReadonlySet<string>;
  /** The state with these incidents firing, and no others: what others said before goes on as it was said. */
  adopt(state: HostState, incidents: readonly Incident[]): HostState;
  /** What was to be told when those incidents opened. */
  announce(state: HostState): readonly Notification[];
  /** What is to be written and told of incidents that were raised from outside. */
  open(incidents: readonly Incident[]): Output;
  /** What is to be written and told of incidents that were ended from outside (`resolvedAt` is set). */
  close(incidents: readonly Incident[]): Output;
  /** Text; `decode` gives the same state back. */
  encode(state: HostState): string;
  /**
   * The same in pieces, between which others have their turn: a state of thousands of containers would hold them up for
   * seconds. Until it is done nobody may step the state.
   */
  save(state: HostState): Promise<string>;
  /** Throws a TidegaugeError when the text is not such a state. */
  decode(text: string): HostState;
}

/**
 * One step. A frame that a detector cannot digest is skipped, and null returned, live and in a review alike: it must
 * not blind the host for ever.
 */
export function stepOver(
  fold: Pick<HostFold, 'step'>,
  state: HostState,
  frame: Frame,
  raised: RaisedLimits,
  onFailure: (error: unknown) => void,
): ReturnType<HostFold['step']> | null {
  try {
    return fold.step(state, frame, raised);
  } catch (error) {
    onFailure(error);
    return null;
  }
}

/** Without `expectedIn` no rows of what is expected are made. */
export function createHostFold(parts: { fold: Fold; pipeline: Pipeline; expectedIn?: ExpectedIn }): HostFold {
  const { fold, pipeline, expectedIn = () => [] } = parts;
  const conclude: HostFold['conclude'] = (state, frame, verdicts) => {
    const { state: next, ...result } = pipeline.step(state.pipeline, { frame, verdicts });
    return { ...result, state: { fold: state.fold, pipeline: next }, verdicts, expected: [] };
  };
  return {
    fingerprint: createHash('sha256')
      .update(JSON.stringify([fold.fingerprint, pipeline.fingerprint]))
      .digest('hex')
      .slice(0, 16),
    init: () => ({ fold: fold.init(), pipeline: pipeline.init() }),
    step(state, frame, raised) {
      const isNew = state.fold.last === null || frame.start > state.fold.last;
      const folded = fold.step(state.fold, frame, raised);
      const output = conclude({ ...state, fold: folded.state }, frame, folded.verdicts);
      return isNew ? { ...output, expected: expectedIn(folded.state, frame, raised) } : output;
    },
    conclude,
    openIncidents: state => new Set(state.pipeline.open.map(({ incident }) => incident.id)),
    adopt: (state, incidents) => ({ ...state, pipeline: pipeline.adopt(state.pipeline, incidents) }),
    announce: state => pipeline.announce(state.pipeline.open.map(({ incident }) => incident)),
    open: pipeline.open,
    close: pipeline.close,
    encode,
    save,
    decode,
  };
}
