import type { Config } from '../core/config/config.ts';
import type { Confirmation } from '../core/config/options.ts';
import type { Annotation, Confirmed, Incident, Notification, Severity } from '../core/incident/incident.ts';
import type { Judged } from '../core/incident/verdict.ts';
import type { Frame } from '../core/traffic/frame.ts';
import type { Past } from './finding/past.ts';
import type { PeerOf } from './finding/top-peer.ts';
import type { Router } from './policy/router.ts';
import type { Who } from './subject.ts';

/** How long one whom an incident is about has been quiet. */
export interface Quiet {
  /** Time since its last anomalous frame in which somebody looked and saw nothing anomalous, ms. */
  readonly quietMs: number;
  /** In that time it was there, of a service one of its containers; absent: nobody was. */
  readonly present?: true;
  /** How its container ended, for people; absent: it did not, or nobody has said. */
  readonly exit?: string;
  /** For this one it is over: it was seen to be well, or is gone. Absent: it is not. */
  readonly over?: 'well' | 'gone';
}

/** An incident that is firing. */
export interface Open {
  readonly incident: Incident;
  /** Of each of its members, in their order. */
  readonly quiet: readonly Quiet[];
  /** Starts of the frames in which it began and fired again after a pause, epoch ms, the last ones; of what flaps, till then. */
  readonly rounds: readonly number[];
}

/** Plain JSON. */
export interface PipelineState {
  /** Start of the last frame, epoch ms; null before the first. */
  readonly last: number | null;
  /** Start of the first frame, epoch ms; null before it. */
  readonly since: number | null;
  /** Sorted by container, then service, then start. */
  readonly open: readonly Open[];
  /** Over so shortly that they go on when they fire again, the first to end first. */
  readonly closed: readonly Incident[];
  readonly past: Past;
  /** Absent: no rule wants its alarms confirmed. */
  readonly pending?: Pending;
}

/** Alarms that wait for more of their kind. */
export interface Pending {
  /** Starts of the last complete frames, epoch ms: as many as the rule with the most counts. */
  readonly frames: readonly number[];
  /** By finding, in which of these it alarmed. */
  readonly alarms: Readonly<Record<string, readonly number[]>>;
}

/** A verdict that reached its limit; `confirmed`: how, where its rule wants that. */
export interface Alarm extends Judged {
  readonly confirmed?: Confirmed;
}

/** Alarms of a frame that are one incident. */
export interface Cluster {
  /** Id of one that is open, or fires again; null: they open one. */
  readonly incident: string | null;
  /** Whom it is, or is to be, named after. */
  readonly who: Who;
  readonly alarms: readonly Alarm[];
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
  readonly alarms: readonly Alarm[];
  /** All incidents that are firing after this frame, and those that may fire again as the same. */
  readonly open: readonly Open[];
  readonly closed: readonly Incident[];
  /** Start of the first frame that was folded, epoch ms, and what happened since. */
  readonly since: number;
  readonly past: Past;
  readonly pending?: Pending;
  /** Finds the peers of its alarms. */
  readonly peerOf: PeerOf;
  readonly clusters: readonly Cluster[];
  readonly changes: readonly Change[];
  /** For whom an incident is over since this frame, also where it goes on for others. */
  readonly calmed: readonly Who[];
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
  /** By rule, how many alarms it takes before it fires; of the others one. */
  readonly confirmations?: Readonly<Record<string, Confirmation>>;
}

/** One step from verdicts to messages. Pure. */
export interface Stage {
  readonly name: string;
  run(batch: Batch, settings: Settings): { batch: Batch; stopped: readonly Omit<Stopped, 'stage'>[] };
}
