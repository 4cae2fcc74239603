import { z } from 'zod';
import { DIRECTIONS } from '../traffic/frame.ts';
import { METRICS } from '../traffic/series.ts';
import type { Incident } from './incident.ts';

/**
 * What a person can say of an incident: nothing was wrong; something was, and it is known; it was worth the call; and
 * `none`, which takes back what was said before.
 */
export const MARK_KINDS = ['false-alarm', 'expected', 'real', 'none'] as const;
export type MarkKind = (typeof MARK_KINDS)[number];

/** What spoke in an incident: a rule, of a service (null: of the host as a whole), in a series or view. */
export interface Spoke {
  readonly rule: string;
  readonly service: string | null;
  readonly direction: (typeof DIRECTIONS)[number] | null;
  readonly metric: (typeof METRICS)[number] | null;
  /** The view of the detector that was beyond its limit; null: it has none, or does not say. */
  readonly view: string | null;
  /** Highest score by the rule's own limit, before marks moved it. */
  readonly score: number;
}

/** What a person said of an incident. It is kept as it was said: who says something else makes another mark. */
export interface NewMark {
  /** Id of the incident, and what it was about. */
  readonly incident: string;
  readonly host: string;
  readonly service: string;
  readonly container: string;
  /** Start of the incident, epoch ms. */
  readonly start: number;
  readonly kind: MarkKind;
  /** Who said it, why (may be empty), and when, epoch ms. */
  readonly by: string;
  readonly note: string;
  readonly at: number;
  readonly spoke: readonly Spoke[];
}

/** A mark as it is kept. */
export interface Mark extends NewMark {
  /** Grows with every mark: of two about one incident the greater counts. */
  readonly seq: number;
  /** Frames that start from then on are judged by it, epoch ms; null: no worker has heard of it yet. */
  readonly from: number | null;
}

/** For so long a mark moves limits, ms: what was normal a year ago says little of today. */
export const MARK_LIFE_MS = 365 * 86_400_000;
/** Longest note and longest name of who wrote it. */
export const MARK_TEXT = 500;

const time = z.int().min(-8.64e15).max(8.64e15);

const spokeSchema = z.strictObject({
  rule: z.string(),
  service: z.string().nullable(),
  direction: z.enum(DIRECTIONS).nullable(),
  metric: z.enum(METRICS).nullable(),
  view: z.string().nullable(),
  score: z.number().nonnegative(),
});

/** What every form of a mark has besides its times. */
export const markShape = {
  incident: z.string(),
  host: z.string(),
  service: z.string(),
  container: z.string(),
  kind: z.enum(MARK_KINDS),
  by: z.string().max(MARK_TEXT),
  note: z.string().max(MARK_TEXT),
  spoke: z.array(spokeSchema),
};

export const newMarkSchema: z.ZodType<NewMark> = z.strictObject({ ...markShape, start: time, at: time });

/** What spoke in an incident, each at its highest score. */
export const spokeIn = ({ findings }: Pick<Incident, 'findings'>): Spoke[] =>
  findings.map(({ rule, scope, peak, evidence }) => ({
    rule,
    service: scope.service,
    direction: scope.direction,
    metric: scope.metric,
    view: evidence.view ?? null,
    score: peak * (evidence.raised ?? 1),
  }));

/** What is said of an incident as it is now. */
export function newMark(incident: Incident, said: Pick<NewMark, 'kind' | 'note' | 'by' | 'at'>): NewMark {
  const { id, host, service, container, start } = incident;
  return { incident: id, host, service, container, start, ...said, spoke: spokeIn(incident) };
}

/** The newest mark of each incident that has one which was not taken back. */
export function newestMarks(marks: readonly Mark[]): Map<string, Mark> {
  const newest = new Map<string, Mark>();
  for (const mark of [...marks].sort((a, b) => a.seq - b.seq)) newest.set(mark.incident, mark);
  for (const [incident, { kind }] of newest) if (kind === 'none') newest.delete(incident);
  return newest;
}
