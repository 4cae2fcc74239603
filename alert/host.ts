import { createHash } from 'node:crypto';
import { z } from 'zod';
import { TidegaugeError } from '../core/errors.ts';
import type { Incident, Notification } from '../core/incident/incident.ts';
import type { Verdict } from '../core/incident/verdict.ts';
import type { Frame } from '../core/traffic/frame.ts';
import type { Fold, FoldState, RaisedLimits } from '../detector/contract.ts';
import type { PipelineState } from './contract.ts';
import type { Output, Pipeline, PipelineResult } from './pipeline.ts';

/** Plain JSON. */
export interface HostState {
  readonly fold: FoldState;
  readonly pipeline: PipelineState;
}

/** What one frame brought: verdicts of the detectors and what the stages made of them. */
export interface HostOutput extends Omit<PipelineResult, 'state'> {
  readonly verdicts: readonly Verdict[];
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
  /** JSON text; `decode` gives the same state back. */
  encode(state: HostState): string;
  /** Throws a TidegaugeError when the text is not such a state. */
  decode(text: string): HostState;
}

/**
 * One step. A frame that a detector cannot digest is skipped, and null returned, live and in a review alike: it must
 * not blind the host for ever.
 */
export function stepOver(
  fold: HostFold,
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

export function createHostFold(parts: { fold: Fold; pipeline: Pipeline }): HostFold {
  const { fold, pipeline } = parts;
  return {
    fingerprint: createHash('sha256')
      .update(JSON.stringify([fold.fingerprint, pipeline.fingerprint]))
      .digest('hex')
      .slice(0, 16),
    init: () => ({ fold: fold.init(), pipeline: pipeline.init() }),
    step(state, frame, raised) {
      const folded = fold.step(state.fold, frame, raised);
      const { state: next, ...result } = pipeline.step(state.pipeline, { frame, verdicts: folded.verdicts });
      return { ...result, state: { fold: folded.state, pipeline: next }, verdicts: folded.verdicts };
    },
    openIncidents: state => new Set(state.pipeline.open.map(({ incident }) => incident.id)),
    adopt: (state, incidents) => ({ ...state, pipeline: pipeline.adopt(state.pipeline, incidents) }),
    announce: state => pipeline.announce(state.pipeline.open.map(({ incident }) => incident)),
    open: pipeline.open,
    close: pipeline.close,
    encode: state => JSON.stringify(state),
    decode,
  };
}

const start = z.int().nullable();

const subjectSchema = z.strictObject({
  seen: z.int(),
  states: z.record(z.string(), z.unknown()),
  holder: z.exactOptional(
    z.strictObject({ name: z.string(), since: z.int(), startedAt: start, brief: z.int().nonnegative() }),
  ),
  slots: z.exactOptional(z.array(z.string())),
});

const quietSchema = z.strictObject({
  quietMs: z.number(),
  present: z.exactOptional(z.literal(true)),
  exit: z.exactOptional(z.string()),
  over: z.exactOptional(z.enum(['well', 'gone'])),
});

/**
 * The frame of a state. What detectors keep in it is theirs, and vouched for by the fingerprint. A key that is not known here
 * would be lost: such a state is refused, and its frames are folded again.
 */
const stateSchema = z.strictObject({
  fold: z.strictObject({
    last: start,
    hasContainers: z.boolean(),
    subjects: z.strictObject({
      byKey: z.record(z.string(), subjectSchema),
      count: z.int(),
      dropped: z.int(),
      swept: z.int(),
    }),
    expected: z.record(
      z.string(),
      z.strictObject({
        ...{ seen: z.int(), service: z.string() },
        ids: z.exactOptional(z.array(z.string())),
        exit: z.exactOptional(z.string()),
      }),
    ),
  }),
  pipeline: z.strictObject({
    last: start,
    since: start,
    closed: z.array(z.custom<Incident>(isIncident)),
    past: z.record(z.string(), z.array(z.tuple([z.int(), z.string()]))),
    open: z.array(
      z.strictObject({
        incident: z.custom<Incident>(isIncident),
        quiet: z.array(quietSchema),
        rounds: z.array(z.int()),
      }),
    ),
    pending: z.exactOptional(
      z.strictObject({ frames: z.array(z.int()), alarms: z.record(z.string(), z.array(z.int())) }),
    ),
  }),
});

function isIncident(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return 'id' in value && 'container' in value && 'findings' in value && Array.isArray(value.findings);
}

function decode(text: string): HostState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw notAState('no JSON', cause);
  }
  const parsed = stateSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw notAState(`${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(), parsed.error);
}

function notAState(found: string, cause: unknown): TidegaugeError {
  const remedy = 'Discard the checkpoint: its frames are folded again from the store.';
  return new TidegaugeError(
    { place: 'checkpoint', expected: 'the state of a host', found, remedy },
    { cause },
  );
}
