import type { Annotation, Detection, Incident, Notification } from '../core/incident/incident.ts';
import type { Judged, Verdict } from '../core/incident/verdict.ts';
import type { Frame } from '../core/traffic/frame.ts';
import { annotate, annotationOf } from './annotate.ts';
import type { Batch, PipelineState, Settings, Stage, Stopped } from './contract.ts';
import { attribute } from './correlate/attribute.ts';
import { compareOpen, correlate, openOf } from './correlate/correlate.ts';
import { capture, captureAlarms } from './data-loss.ts';
import { detectionsOf } from './detections.ts';
import { confirm } from './drop-incomplete.ts';
import { topPeersIn } from './finding/top-peer.ts';
import { pending } from './pending.ts';
import { createRouter, NO_GROUPING, type Routing } from './policy/router.ts';
import { address, notificationsOf } from './route.ts';

/** From what detectors say to what people hear, in this order. */
export const STAGES: readonly Stage[] = [
  confirm, // alarms that are to be believed
  pending, // what has to happen again before it counts
  capture, // that messages were lost -> an alarm of the host
  attribute, // which alarms are one incident
  correlate, // alarms -> incidents
  annotate, // incidents -> regions on a time axis
  address, // incidents -> messages; policy/stages.ts goes on with those of all hosts
];

/** What is to be written and told. */
export interface Output {
  /** Opened, grown or resolved. */
  readonly incidents: readonly Incident[];
  readonly annotations: readonly Annotation[];
  readonly notifications: readonly Notification[];
}

/** What one frame brought. */
export interface PipelineResult extends Output {
  readonly state: PipelineState;
  readonly detections: readonly Detection[];
  /** What went no further, with the stage and the reason. */
  readonly stopped: readonly Stopped[];
}

export interface Pipeline {
  /** What of its settings decides about incidents. */
  readonly fingerprint: string;
  init(): PipelineState;
  /** Pure. A frame that does not start after the last one gives nothing and changes nothing. */
  step(state: PipelineState, input: { frame: Frame; verdicts: readonly Verdict[] }): PipelineResult;
  /** The state with these incidents firing, and no others. */
  adopt(state: PipelineState, incidents: readonly Incident[]): PipelineState;
  /** What is told of incidents when they open. */
  announce(incidents: readonly Incident[]): readonly Notification[];
  /** What is to be written and told of incidents that were raised from outside. */
  open(incidents: readonly Incident[]): Output;
  /** What is to be written and told of incidents that were ended from outside (`resolvedAt` is set). */
  close(incidents: readonly Incident[]): Output;
}

/** Raised whenever the same verdicts would give other incidents, or the state another shape. */
const VERSION = 9;

/** What is configured of the stages; without routes, every receiver is told of every incident. */
export interface PipelineOptions extends Omit<Settings, 'router' | 'alert'> {
  readonly alert: Partial<Routing> &
    Omit<Settings['alert'], 'reopen_within'> & { readonly reopen_within?: number };
  /** Names of the receivers. */
  readonly receivers: readonly string[];
  /** False: nobody writes rows of detections, and none are made. */
  readonly detections?: boolean;
}

/** The stages over the frames of one host. */
export function createPipeline({ receivers, detections = true, ...options }: PipelineOptions): Pipeline {
  const router = createRouter({ ...NO_GROUPING, ...options.alert }, receivers);
  const settings: Settings = { ...options, alert: { reopen_within: 0, ...options.alert }, router };
  const { resolve_after, critical_score, reopen_within } = settings.alert;
  const announce = (incidents: readonly Incident[]) =>
    incidents.flatMap(one => notificationsOf(one, 'firing', router.receiversOf(one)));
  const { severities = {}, confirmations = {} } = settings;
  const confirmed = Object.entries(confirmations).sort();
  return {
    fingerprint: JSON.stringify([
      ...[VERSION, resolve_after, critical_score, reopen_within],
      Object.entries(severities).sort(),
      ...(confirmed.length > 0 ? [confirmed] : []),
    ]),
    init: () => ({ last: null, since: null, open: [], closed: [], past: {} }),
    step(state, { frame, verdicts }) {
      if (state.last !== null && frame.start <= state.last) {
        return { state, incidents: [], annotations: [], detections: [], notifications: [], stopped: [] };
      }
      const stopped: Stopped[] = [];
      const since = state.since ?? frame.start;
      let batch: Batch = {
        frame,
        alarms: verdicts.filter(isAlarm),
        open: state.open,
        closed: state.closed,
        since,
        past: state.past,
        ...pendingOf(state),
        peerOf: topPeersIn(frame),
        ...{ clusters: [], changes: [], calmed: [] },
        annotations: [],
        notifications: [],
      };
      for (const stage of STAGES) {
        const result = stage.run(batch, settings);
        batch = result.batch;
        stopped.push(...result.stopped.map(one => ({ stage: stage.name, ...one })));
      }
      return {
        state: {
          ...{ last: frame.start, since, open: batch.open, closed: batch.closed, past: batch.past },
          ...pendingOf(batch),
        },
        incidents: batch.changes.map(change => change.incident),
        annotations: batch.annotations,
        detections: detections ? detectionsOf(frame, withCapture(verdicts, frame), batch) : [],
        notifications: batch.notifications,
        stopped,
      };
    },
    adopt: (state, incidents) => ({
      ...state,
      open: incidents.map(openOf).sort(compareOpen),
    }),
    announce,
    open: incidents => ({
      incidents,
      annotations: incidents.map(annotationOf),
      notifications: announce(incidents),
    }),
    close: incidents => ({
      incidents,
      annotations: incidents.map(annotationOf),
      notifications: incidents.flatMap(one => notificationsOf(one, 'resolved', router.everReceiversOf(one))),
    }),
  };
}

const isAlarm = (verdict: Verdict): verdict is Judged => verdict.kind === 'judged' && verdict.score >= 1;

/** The verdicts of a frame and, where messages are missing, what is said of that. */
function withCapture(verdicts: readonly Verdict[], frame: Frame): readonly Verdict[] {
  const alarms = captureAlarms(frame);
  return alarms.length === 0 ? verdicts : [...verdicts, ...alarms];
}

const pendingOf = ({ pending }: Pick<PipelineState, 'pending'>) => (pending ? { pending } : {});
