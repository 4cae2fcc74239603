import { type HostFold, stepOver } from '../../alert/host.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { frameEnd } from '../../core/traffic/frame.ts';
import { NOTHING_RAISED } from '../../detector/fold/marks.ts';
import type { Done, Recording, Truth } from './recording.ts';

/** Counting: what of that which was done was found, and how soon; what was raised without a reason. */

/** An incident that the program raised. */
export interface Alert extends Pick<Incident, 'service' | 'container' | 'title'> {
  /** Start and end of the frame that raised it, epoch ms. */
  readonly from: number;
  readonly at: number;
}

/** What became of one thing that was done. */
export interface Outcome {
  readonly done: Done;
  /** The first alert about those that it happened to; null: none. */
  readonly alert: Alert | null;
  /** Frames until the alert, 1 for the frame in which it began. */
  readonly delay: number | null;
  /** It was found as soon as it has to be. */
  readonly inTime: boolean;
}

/** When an alert came that nothing explains. */
export type Phase = 'learning' | 'deploy' | 'incident' | 'clean';

export interface FalseAlert {
  readonly alert: Alert;
  /** `incident`: while one went on elsewhere. */
  readonly phase: Phase;
}

export interface Judgement {
  /** Of all but deploys. */
  readonly outcomes: readonly Outcome[];
  readonly falseAlerts: readonly FalseAlert[];
  /** Alerts about those that felt an incident, or about those it happened to after the first. */
  readonly explained: readonly Alert[];
  /** Length of the frames after learning in which nothing was done, nor shortly before, ms. */
  readonly cleanMs: number;
}

/** What was done is still felt for so long, ms: sums of a minute hold it. */
const SETTLING_MS = 60_000;
/** So long after its end it may still be found: the last of it may lie in two frames. */
const GRACE_MS = 10_000;
/** What is abrupt has to be found within so many frames, anything else by a frame that begins so soon after its full size. */
const ABRUPT_FRAMES = 2;
const GRADUAL_MS = 60_000;

/** What a fold makes of a recording. Throws when it cannot digest a frame. */
export function judgeRecording({ truth, frames }: Recording, fold: HostFold): Judgement {
  const alerts = alertsOf(frames, fold);
  const ends = frames.map(frameEnd);
  const outcomes = truth.done
    .filter(({ expected }) => expected !== 'nothing')
    .map((done): Outcome => {
      const isFound = ({ at, service }: Alert) =>
        at > done.from && at <= done.until + GRACE_MS && done.services.includes(service);
      const alert = alerts.find(isFound) ?? null;
      if (alert === null) return { done, alert, delay: null, inTime: false };
      const delay = ends.filter(end => end > done.from && end <= alert.at).length;
      const inTime =
        done.expected === 'abrupt' ? delay <= ABRUPT_FRAMES : alert.from - done.full <= GRADUAL_MS;
      return { done, alert, delay, inTime };
    });
  const found = new Set(outcomes.map(({ alert }) => alert));
  const isExplained = (alert: Alert) => truth.done.some(done => explains(done, alert));
  return {
    outcomes,
    falseAlerts: alerts
      .filter(alert => !isExplained(alert))
      .map(alert => ({ alert, phase: phaseOf(truth, alert.at) })),
    explained: alerts.filter(alert => isExplained(alert) && !found.has(alert)),
    cleanMs: frames
      .filter(frame => phaseOf(truth, frameEnd(frame)) === 'clean')
      .reduce((sum, { durationMs }) => sum + durationMs, 0),
  };
}

const isDuring = ({ from, until }: Done, at: number): boolean => at > from && at <= until + SETTLING_MS;

const explains = (done: Done, { at, service }: Alert): boolean =>
  done.expected !== 'nothing' &&
  isDuring(done, at) &&
  (done.services.includes(service) || done.touched.includes(service));

function phaseOf({ learnt, done }: Truth, at: number): Phase {
  if (at <= learnt) return 'learning';
  const meanwhile = done.find(one => isDuring(one, at));
  if (!meanwhile) return 'clean';
  return meanwhile.expected === 'nothing' ? 'deploy' : 'incident';
}

/** What is raised, at the frame that raises it. */
function alertsOf(frames: Recording['frames'], fold: HostFold): Alert[] {
  let state = fold.init();
  const seen = new Set<string>();
  const alerts: Alert[] = [];
  for (const frame of frames) {
    const step = stepOver(fold, state, frame, NOTHING_RAISED, error => {
      throw error;
    });
    if (!step) continue;
    state = step.state;
    for (const { id, service, container, title } of step.incidents) {
      const [from, at] = [frame.start, frameEnd(frame)];
      if (!seen.has(id)) alerts.push({ from, at, service, container, title });
      seen.add(id);
    }
  }
  return alerts;
}
