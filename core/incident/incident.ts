import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Interval } from '../interval.ts';
import type { PeerKind, Protocol, Role } from '../traffic/flow.ts';
import { DIRECTIONS, type Direction } from '../traffic/frame.ts';
import type { Labels } from '../traffic/labels.ts';
import { METRICS, type Metric } from '../traffic/series.ts';
import type { Evidence, Scope } from './verdict.ts';

/** Least first. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** How often the same rule has noticed the same about the same container (or service, or host) before. */
export interface Recurrence {
  /** Times that are remembered, and those of them in the seven days before. */
  readonly times: number;
  readonly inWeek: number;
  /** When it began last, epoch ms; null: never. */
  readonly last: number | null;
  /** From when on it would be remembered, epoch ms. */
  readonly since: number;
}

/** Whom a container exchanged most bytes with. */
export interface TopPeer {
  readonly kind: PeerKind;
  /** Name and service of the peer; empty where its kind has none, or nobody knows. */
  readonly name: string;
  readonly service: string;
  readonly address: string;
  readonly protocol: Protocol;
  /** Whose the port is: `client`, the container called the peer at it. */
  readonly role: Role;
  /** The server's port; 0: several. */
  readonly port: number;
  readonly bytes: number;
  /** Part of all bytes in that direction, 0 to 1. */
  readonly share: number;
}

/** How an alarm was confirmed: so many in so many frames, the first at `since`, epoch ms. */
export interface Confirmed {
  readonly alarms: number;
  readonly frames: number;
  readonly since: number;
}

/** One rule's part in an incident, at its highest score. */
export interface Finding {
  readonly rule: string;
  readonly scope: Scope;
  /** First and last frame in which it alarmed (starts, epoch ms). */
  readonly first: number;
  readonly last: number;
  readonly peak: number;
  /** Evidence at the peak. */
  readonly evidence: Evidence;
  /** When that was seen. */
  readonly window?: Interval;
  /** In the frame of the peak; absent: not known, or of no direction. */
  readonly peer?: TopPeer;
  /** What was remembered when it began. */
  readonly before?: Recurrence;
  /** When it began; absent: its rule fires with the first alarm. */
  readonly confirmed?: Confirmed;
}

/** One whom an incident is about that has brought several together. */
export interface Member {
  /** Empty where it does not apply, as in an incident. */
  readonly service: string;
  readonly container: string;
  /** When it joined. */
  readonly image?: string;
  readonly labels?: Labels;
  /** Start of the frame in which it joined, epoch ms. */
  readonly since: number;
}

/** How something goes up and down. */
export interface Flapping {
  /** How often it has fired, with a pause before each time but the first. */
  readonly times: number;
  /** Start of the first and of the last of these times, epoch ms. */
  readonly since: number;
  readonly last: number;
}

/** What a person hears about: one per stretch of time and cause, whatever noticed it. */
export interface Incident {
  /** hash(host, container that was noticed first, start): the same however often and wherever it is computed. */
  readonly id: string;
  readonly host: string;
  /** Whom it was about when it opened: it keeps these names, whoever joins. */
  readonly service: string;
  readonly container: string;
  /** All whom it is about, the first to be noticed first; absent: the one that it is named after. */
  readonly members?: readonly Member[];
  /** Image and kept Docker labels when it opened, of a service what its containers agree on; absent: none, or not known. */
  readonly image?: string;
  readonly labels?: Labels;
  readonly severity: Severity;
  /** What the severity was at first, and when it was raised last, epoch ms; absent: it has not changed. */
  readonly escalation?: { readonly from: Severity; readonly at: number };
  /** Start of the first anomalous frame, epoch ms: where a rule waits (`for`) before it fires, of the first that it waited in. */
  readonly start: number;
  /** End of the last anomalous frame, epoch ms. */
  readonly end: number;
  /** End of the frame in which it was found to be over, epoch ms; null while it is firing. */
  readonly resolvedAt: number | null;
  /**
   * Why it is over although nobody has seen normal traffic since: `the container is gone`. Absent while it is firing, and
   * when it was resolved.
   */
  readonly ended?: string;
  /** When it fired again shortly after it was over, epoch ms: then it goes on as the same. Absent: it did not. */
  readonly reopenedAt?: number;
  /** It goes up and down, in this incident or as one after another; absent: it does not. It stays so to the end. */
  readonly flapping?: Flapping;
  /** Highest score of all findings. */
  readonly score: number;
  /** Highest peak first. */
  readonly findings: readonly Finding[];
  /** Short text for people: `web: bytes sent 12 MiB/s, expected up to 1.4 MiB/s`. */
  readonly title: string;
}

/** Where an incident stands: `ended` is over without having been seen to be well again. */
export const INCIDENT_STATES = ['firing', 'resolved', 'ended'] as const;
export type IncidentState = (typeof INCIDENT_STATES)[number];

export function stateOfIncident({
  resolvedAt,
  ended,
}: Pick<Incident, 'resolvedAt' | 'ended'>): IncidentState {
  if (resolvedAt === null) return 'firing';
  return ended === undefined ? 'resolved' : 'ended';
}

/** From its beginning until it was found to be over; without end while it is firing. */
export const timeOf = ({ start, resolvedAt }: Pick<Incident, 'start' | 'resolvedAt'>): Interval => ({
  from: start,
  to: resolvedAt ?? Number.POSITIVE_INFINITY,
});

/** Which time an incident fires: 1, or 2 once it was reopened. From then on it stays open until it is quiet for long. */
export const roundOf = ({ reopenedAt }: Pick<Incident, 'reopenedAt'>): number =>
  reopenedAt === undefined ? 1 : 2;

/** Stable id of an incident, 16 hex digits. */
export function incidentId(host: string, container: string, start: number): string {
  return createHash('sha256')
    .update(JSON.stringify([host, container, start]))
    .digest('hex')
    .slice(0, 16);
}

/**
 * Why a receiver hears of an incident that it knows: it fired again shortly after it was over (`reopened`), became
 * critical (`worse`), goes up and down (`flapping`), still fires after `repeat_interval` (`repeat`), or somebody has taken it
 * on (`acknowledged`).
 */
export const OCCASIONS = ['reopened', 'worse', 'flapping', 'repeat', 'acknowledged'] as const;
export type Occasion = (typeof OCCASIONS)[number];

/** A message about an incident for one receiver: that it is firing, or that it is over (`resolved`, however it ended). */
export interface Notification {
  /** Idempotency key: incident, receiver and what is told. The same key is never accepted twice. */
  readonly key: string;
  readonly receiver: string;
  readonly status: 'firing' | 'resolved';
  /** Absent when it begins, or is over. */
  readonly occasion?: Occasion;
  readonly incident: Incident;
}

/**
 * Key of a notification. `:` is avoided: some queues refuse it. `round`: which time it fires, from 1, as it may have been
 * reopened.
 */
export function notificationKey(
  incidentId: string,
  receiver: string,
  status: Notification['status'],
  round = 1,
): string {
  return `${incidentId}-${receiver}-${status}${round === 1 ? '' : `-${round}`}`;
}

/** Key of the message that an incident has become critical; told once. */
export const worseKey = (incidentId: string, receiver: string): string => `${incidentId}-${receiver}-worse`;

/** Key of the message that an incident goes up and down; told once. */
export const flappingKey = (incidentId: string, receiver: string): string =>
  `${incidentId}-${receiver}-flapping`;

/** Key of the `times`th repetition, from 1, of an incident that fires in its `round`. */
export const repeatKey = (incidentId: string, receiver: string, round: number, times: number): string =>
  `${incidentId}-${receiver}-repeat-${round}-${times}`;

/** Key of the message that somebody took on, at `at`, epoch ms, an incident that fires in its `round`. */
export const acknowledgedKey = (incidentId: string, receiver: string, round: number, at: number): string =>
  `${incidentId}-${receiver}-acknowledged-${round}-${at}`;

/** Keys of the messages that an incident begins and is over, of which `key` is one; null: it is neither. */
export function beginningAndEnd(key: string): { readonly firing: string; readonly resolved: string } | null {
  const [, stem, round] = /^(.*)-(?:firing|resolved)((?:-\d+)?)$/s.exec(key) ?? [];
  return stem === undefined
    ? null
    : { firing: `${stem}-firing${round}`, resolved: `${stem}-resolved${round}` };
}

/** A row of `detections`: what all rules together said of one container in one frame. What alert rules read. */
export interface Detection {
  readonly host: string;
  readonly service: string;
  readonly container: string;
  /** Start of the frame, epoch ms. */
  readonly start: number;
  /** Highest score of the rules that judged. */
  readonly score: number;
  /** Score of each rule that judged: the highest over its series. Keys are rule names. */
  readonly scores: Readonly<Record<string, number>>;
  /** What the rule with the highest score saw, and the nearer bound of what it expected; in that rule's unit. */
  readonly seen: number;
  readonly expected: number | null;
  /** True while an incident of this container is open. */
  readonly open: boolean;
}

/** The finding with the highest score of an incident, in numbers: what dashboards show beside its texts. */
export interface Peak {
  readonly rule: string;
  /** Of the traffic; null: of both directions, or of none. */
  readonly direction: Direction | null;
  /** null: the rule judges something else than one metric. */
  readonly metric: Metric | null;
  /** What was seen, and the nearer bound of what was expected, in `unit`; null: both sides were open. */
  readonly seen: number;
  readonly expected: number | null;
  readonly unit: string;
}

/** A peak from outside. */
export const peakSchema: z.ZodType<Peak> = z.strictObject({
  rule: z.string(),
  direction: z.enum(DIRECTIONS).nullable(),
  metric: z.enum(METRICS).nullable(),
  seen: z.number(),
  expected: z.number().nullable(),
  unit: z.string(),
});

/** An incident as a region on a time axis. */
export interface Annotation {
  readonly id: string;
  readonly host: string;
  readonly service: string;
  readonly container: string;
  /** Region, epoch ms; `end` grows until resolved. */
  readonly start: number;
  readonly end: number;
  readonly severity: Severity;
  readonly state: IncidentState;
  readonly title: string;
  readonly text: string;
  /** Absent: written by a version that did not know it. */
  readonly peak?: Peak;
}
