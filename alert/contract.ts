import type { Config } from '../core/config/config.ts';
import type { Annotation, Incident, Notification, Severity } from '../core/incident/incident.ts';
import type { Judged } from '../core/incident/verdict.ts';
import type { Frame } from '../core/traffic/frame.ts';
import type { Past } from './finding/past.ts';
import type { Router } from './policy/router.ts';

/** An incident that is firing. */
export interface Open {
  readonly incident: Incident;
  /** Time since its last anomalous frame in which somebody looked and saw nothing anomalous, ms. */
  readonly quietMs: number;
  /** In that time somebody whom it is about was there; absent: nobody. */
  readonly present?: true;
  /** How its container ended, for people; absent: it did not, or nobody has said. */
  readonly exit?: string;
}

/** Plain JSON. */
export interface PipelineState {
  /** Start of the last frame, epoch ms; null before the first. */
  readonly last: number | null;
  /** Start of the first frame, epoch ms; null before it. */
  readonly since: number | null;
  /** Sorted by container, then service. */
  readonly open: readonly Open[];
  /** Over so shortly that they go on when they fire again, the first to end first. */
  readonly closed: readonly Incident[];
  readonly past: Past;
}

/** What became of an incident in this frame. */
export interface Change {
  readonly kind: 'opened' | 'grown' | 'reopened' | 'resolved';
  readonly incident: Incident;
  /** Of one that has grown, what it was. */
  readonly before?: Incident;
}

/** What travels through the stages: each adds its part or takes something out. */
export interface Batch {
  readonly frame: Frame;
  /** Verdicts that reached their limit. */
  readonly alarms: readonly Judged[];
  /** All incidents that are firing after this frame, and those that may fire again as the same. */
  readonly open: readonly Open[];
  readonly closed: readonly Incident[];
  /** Start of the first frame that was folded, epoch ms, and what happened since. */
  readonly since: number;
  readonly past: Past;
  readonly changes: readonly Change[];
  readonly annotations: readonly Annotation[];
  readonly notifications: readonly Notification[];
}

/** Something that went no further, and why. */
export interface Stopped {
  readonly stage: string;
  readonly what: string;
  readonly reason: string;
}

/** What the stages know besides the batch. */
export interface Settings {
  readonly alert: Pick<Config['alert'], 'resolve_after' | 'critical_score' | 'reopen_within'>;
  /** Who is told of which incident. */
  readonly router: Pick<Router, 'receiversOf' | 'everReceiversOf'>;
  /** By rule, what the user said of its findings; of the others it depends on what was seen. */
  readonly severities?: Readonly<Record<string, Severity>>;
}

/** One step from verdicts to messages. Pure. */
export interface Stage {
  readonly name: string;
  run(batch: Batch, settings: Settings): { batch: Batch; stopped: readonly Omit<Stopped, 'stage'>[] };
}
