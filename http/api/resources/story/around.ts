import { z } from 'zod';
import { isoTime } from '../../../../core/clock.ts';
import { globMatcher } from '../../../../core/config/options.ts';
import {
  INCIDENT_STATES,
  type Incident,
  type IncidentState,
  SEVERITIES,
  type Severity,
  stateOfIncident,
} from '../../../../core/incident/incident.ts';
import { MARK_KINDS, type MarkKind, newestMarks } from '../../../../core/incident/mark.ts';
import { isAboutAny, whosOf } from '../../../../core/incident/members.ts';
import { isCovered, type Silence, subjectOf } from '../../../../core/incident/silence.ts';
import type { State } from '../../../../state/contract.ts';

/** What else was going on around an incident, and what people said of it. */

/** Another incident, in short. Times are epoch ms. */
export interface Brief {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly state: IncidentState;
  readonly start: number;
  readonly end: number;
  /** What a person said of it; null: nobody has. */
  readonly mark: MarkKind | null;
}

/** The newest ones, and how many there are besides. */
export interface Briefs {
  readonly incidents: readonly Brief[];
  readonly more: number;
}

/** What a person said, and when, epoch ms. */
export interface Said {
  readonly by: string;
  readonly note: string;
  readonly at: number;
}

/** A silence or deploy. Times are epoch ms. */
export interface KeptBack {
  readonly id: string;
  readonly kind: 'silence' | 'deploy';
  /** `container web-*, host a`. */
  readonly about: string;
  readonly from: number;
  readonly until: number;
  readonly owner: string;
  readonly reason: string;
}

export interface Around {
  /** Who has taken it on; null: nobody. */
  readonly ack: Said | null;
  readonly mark: (Said & { readonly kind: MarkKind }) | null;
  /** Others that fired at that time, on any host. */
  readonly others: Briefs;
  /** Start of the oldest incident of any kind that was looked at: of the time before nothing is known. */
  readonly from: number;
  /** Those of the same containers, services or host that began earlier, and later. */
  readonly earlier: Briefs;
  readonly later: Briefs;
  /** Deploys on its host that were under way, or had ended shortly before, and silences that covered it. */
  readonly silences: readonly KeptBack[];
}

type Read = Pick<State, 'incidents' | 'marks' | 'acks' | 'silences'>;

/** Incidents looked at, and listed of each kind. */
const LIMIT = 10_000;
const LISTED = 5;
/** For so long incidents are kept, ms. */
const KEPT_MS = 30 * 86_400_000;
/** What fired or was deployed so shortly before may have to do with it, ms. */
const BEFORE_MS = 900_000;

/** `now`: epoch ms. */
export async function aroundOf(state: Read, incident: Incident, now: number): Promise<Around> {
  const { id, start, end } = incident;
  const marks = newestMarks(await state.marks(incident.host));
  const ack = (await state.acks()).find(one => one.incident === id);
  const mark = marks.get(id);
  const all = await state.incidents({ from: start - KEPT_MS, to: Math.max(now, end) }, LIMIT);
  const strangers = all.filter(one => one.id !== id);
  const isSame = sameSubject(incident);
  const briefs = (found: readonly Incident[]): Briefs => ({
    incidents: found.slice(0, LISTED).map(one => briefOf(one, marks.get(one.id)?.kind ?? null)),
    more: Math.max(0, found.length - LISTED),
  });
  const isThen = (one: Incident) =>
    one.start < end && (one.resolvedAt === null || one.resolvedAt > start - BEFORE_MS);
  return {
    ack: ack && !ack.undone ? saidOf(ack) : null,
    mark: mark ? { kind: mark.kind, ...saidOf(mark) } : null,
    others: briefs(strangers.filter(one => isThen(one) && !isSame(one))),
    from: all.reduce((oldest, one) => Math.min(oldest, one.start), start),
    earlier: briefs(strangers.filter(one => one.start < start && isSame(one))),
    later: briefs(strangers.filter(one => one.start > start && isSame(one))),
    silences: (await state.silences(start - BEFORE_MS))
      .filter(one => concerns(one, incident))
      .map(keptBackOf),
  };
}

const saidOf = ({ by, note, at }: Said): Said => ({ by, note, at });

const keptBackOf = (silence: Silence): KeptBack => {
  const { id, kind, from, until, owner, reason } = silence;
  const isDeploy = kind === 'deploy';
  return { id, kind: isDeploy ? kind : 'silence', about: subjectOf(silence), from, until, owner, reason };
};

/** Whether another incident is about one of the same. */
function sameSubject(incident: Incident): (other: Incident) => boolean {
  const keyOf = ({ host, service, container }: ReturnType<typeof whosOf>[number]) =>
    JSON.stringify(container === '' ? [host, service] : [host, '', container]);
  const own = new Set(whosOf(incident).map(keyOf));
  return other => isAboutAny(other, who => own.has(keyOf(who)));
}

const briefOf = (incident: Incident, mark: MarkKind | null): Brief => {
  const { id, title, severity, start, end } = incident;
  return { id, title, severity, state: stateOfIncident(incident), start, end, mark };
};

/** A deploy of somebody else on the host may be the cause of it; of silences those are meant that kept it back. */
function concerns(silence: Silence, incident: Incident): boolean {
  const { start, end } = incident;
  if (silence.from >= end || silence.until <= start - BEFORE_MS) return false;
  if (silence.kind === 'deploy') return globMatcher(silence.match.host)(incident.host);
  const then = Math.max(silence.from, start);
  return then < silence.until && isCovered(silence, incident, then);
}

const time = z.string();
const briefSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  severity: z.enum(SEVERITIES),
  state: z.enum(INCIDENT_STATES),
  start: time,
  end: time,
  mark: z.enum(MARK_KINDS).nullable().describe('What a person said of it; null: nobody has.'),
});
const briefsSchema = z.strictObject({
  incidents: z.array(briefSchema).describe('The newest first.'),
  more: z.int().describe('Further ones.'),
});

const saidShape = { by: z.string(), note: z.string(), at: time };

export const aroundSchema = z.strictObject({
  ack: z.strictObject(saidShape).nullable().describe('Who has taken it on; null: nobody.'),
  mark: z
    .strictObject({ kind: z.enum(MARK_KINDS), ...saidShape })
    .nullable()
    .describe('What a person said of it; null: nobody has.'),
  others: briefsSchema.describe('Others that fired at that time, or up to 15 minutes before, on any host.'),
  from: time.describe('Start of the oldest incident of any kind that was looked at.'),
  earlier: briefsSchema.describe('Those of the 30 days before that are about one of the same.'),
  later: briefsSchema.describe('Those about one of the same that began after it.'),
  silences: z
    .array(
      z.strictObject({
        ...{ id: z.string(), kind: z.enum(['silence', 'deploy']), about: z.string() },
        ...{ from: time, until: time, owner: z.string(), reason: z.string() },
      }),
    )
    .describe('Silences that covered it, and deploys on its host then or up to 15 minutes before.'),
});
type AroundJson = z.output<typeof aroundSchema>;

const briefsJson = ({ incidents, more }: Briefs): AroundJson['others'] => ({
  incidents: incidents.map(one => ({ ...one, start: isoTime(one.start), end: isoTime(one.end) })),
  more,
});
const briefsFromJson = ({ incidents, more }: AroundJson['others']): Briefs => ({
  incidents: incidents.map(one => ({ ...one, start: Date.parse(one.start), end: Date.parse(one.end) })),
  more,
});

/** Times are ISO 8601, UTC. */
export const aroundJson = ({ ack, mark, others, from, earlier, later, silences }: Around): AroundJson => ({
  ack: ack && { ...ack, at: isoTime(ack.at) },
  mark: mark && { ...mark, at: isoTime(mark.at) },
  from: isoTime(from),
  ...{ others: briefsJson(others), earlier: briefsJson(earlier), later: briefsJson(later) },
  silences: silences.map(one => ({ ...one, from: isoTime(one.from), until: isoTime(one.until) })),
});

/** What `aroundJson` made of it, checked by its schema. */
export const aroundFromJson = ({
  ack,
  mark,
  others,
  from,
  earlier,
  later,
  silences,
}: AroundJson): Around => ({
  ack: ack && { ...ack, at: Date.parse(ack.at) },
  mark: mark && { ...mark, at: Date.parse(mark.at) },
  from: Date.parse(from),
  ...{ others: briefsFromJson(others), earlier: briefsFromJson(earlier), later: briefsFromJson(later) },
  silences: silences.map(one => ({ ...one, from: Date.parse(one.from), until: Date.parse(one.until) })),
});
