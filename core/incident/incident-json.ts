import { z } from 'zod';
import { isoTime } from '../clock.ts';
import { PEER_KINDS, PROTOCOLS, ROLES } from '../traffic/flow.ts';
import { DIRECTIONS } from '../traffic/frame.ts';
import { METRICS } from '../traffic/series.ts';
import { sentenceOf } from './evidence-text.ts';
import {
  type Finding,
  type Flapping,
  type Incident,
  type Member,
  type Recurrence,
  SEVERITIES,
} from './incident.ts';

/** An incident for other programs: in webhooks and in what commands print with `--json`. Times are ISO 8601, UTC. */

const windowSchema = z.strictObject({ from: z.string(), to: z.string() }).meta({ unit: 'group of keys' });

export const recurrenceSchema = z
  .strictObject({
    times: z
      .int()
      .describe('How often, as far as it is remembered: at most the last 12 times within 31 days.'),
    in_last_7_days: z.int().describe('Those of them in the seven days before.'),
    last: z.string().nullable().describe('When it began last; null: never.'),
    since: z.string().describe('From when on it would be remembered.'),
  })
  .meta({ unit: 'group of keys' });

export const peerSchema = z
  .strictObject({
    kind: z.enum(PEER_KINDS).describe('Who it is, as in docs/frames.md.'),
    name: z.string().describe('Empty where its kind has no name.'),
    service: z.string().describe('Empty where it is no container of this host.'),
    address: z.string().describe('The address that moved most; empty where nobody saw one.'),
    protocol: z.enum(PROTOCOLS),
    role: z.enum(ROLES).describe('`client`: the container called the peer; `server`: the peer called it.'),
    port: z.int().describe("The server's port; 0: several."),
    bytes: z.int().describe('In that direction, in the frame of the highest score.'),
    share: z.number().describe('Part of all bytes in that direction, 0 to 1.'),
  })
  .meta({ unit: 'group of keys' });

export const findingSchema = z
  .strictObject({
    rule: z
      .string()
      .describe(
        'Name of the rule that noticed it; `capture` or `shipping`: what is watched was lost in part; `frames`: no frames of the host come.',
      ),
    container: z.string().nullable().describe('Container judged; null when it is a service or host.'),
    direction: z.enum(DIRECTIONS).nullable().describe('Direction judged, or null.'),
    metric: z.enum(METRICS).nullable().describe('Metric judged, or null.'),
    first: z.string().describe('Start of the first window in which it alarmed.'),
    last: z.string().describe('Start of the last anomalous window so far.'),
    score: z.number().describe('Highest score; 1 is the limit of the rule.'),
    seen: z.number().describe('The value with the highest score, in `unit`.'),
    expected_low: z.number().nullable().describe('Least normal value, in `unit`; null where there is none.'),
    expected_high: z
      .number()
      .nullable()
      .describe('Greatest normal value, in `unit`; null where there is none.'),
    unit: z.string().describe('`B/s`, `msg/s`, `B`, `%` or `s`; of what was lost `messages` or `frames`.'),
    view: z.string().nullable().describe('Which of its views the detector speaks of; null: it has one only.'),
    window: windowSchema
      .nullable()
      .describe('Over which time that was seen; null in messages of older versions.'),
    before: recurrenceSchema
      .nullable()
      .describe('How often the same rule has noticed the same about it before; null: nobody counts that.'),
    peer: peerSchema
      .nullable()
      .describe('Whom most of these bytes were exchanged with; null: not known, or it is not about bytes.'),
    text: z.string().describe('The same as a sentence for people.'),
  })
  .describe('What one rule saw in one series, at its highest score.');

export const memberSchema = z
  .strictObject({
    service: z.string().describe('Empty: the host as a whole.'),
    container: z.string().describe('Empty: the service or host as a whole.'),
    image: z.string().describe('When it joined; empty: not known.'),
    labels: z.record(z.string(), z.string()).describe('As those of the incident.'),
    since: z.string().describe('Start of the window in which it joined.'),
  })
  .describe('One whom an incident is about.');

const flappingSchema = z
  .strictObject({ times: z.int(), since: z.string(), last: z.string() })
  .meta({ unit: 'group of keys' });

export const incidentSchema = z.strictObject({
  id: z.string().describe('The same in the firing and the resolved message.'),
  host: z.string(),
  service: z.string().describe('Empty when the incident is about a host as a whole.'),
  container: z
    .string()
    .describe(
      'Empty when the incident is about a service or host as a whole. It never changes: who has joined since is in `members`.',
    ),
  members: z
    .array(memberSchema)
    .default([])
    .describe(
      'Of an incident that has brought several together all whom it is about, the first to be noticed first; else empty.',
    ),
  image: z
    .string()
    .describe('Image with tag when it opened, of a service if all its containers had the same; else empty.'),
  labels: z
    .record(z.string(), z.string())
    .describe('Docker labels when it opened: those that `capture.labels` or a matcher asks for.'),
  severity: z
    .enum(SEVERITIES)
    .describe(
      'How far, how long and how rare: docs/severity.md. It may rise while the incident is firing: the resolved message has the highest.',
    ),
  escalation: z
    .strictObject({ from: z.enum(SEVERITIES), at: z.string() })
    .meta({ unit: 'group of keys' })
    .nullable()
    .describe(
      'What the severity was at first (`from`), and when it was raised last (`at`); null: it was not.',
    ),
  start: z
    .string()
    .describe(
      'Start of the first anomalous window; where a rule waits (`for`) before it fires, of the first that it waited in.',
    ),
  end: z.string().describe('End of the last anomalous window so far.'),
  resolved_at: z.string().nullable().describe('When it was found to be over; null while it is firing.'),
  ended: z
    .string()
    .nullable()
    .describe(
      'Why it is over although nobody has seen normal traffic since, such as a container that is gone; else null.',
    ),
  flapping: flappingSchema
    .nullable()
    .default(null)
    .describe(
      'It goes up and down: it has fired so often (`times`), with pauses in between, the first time at `since`, the last time so far at `last`; null: it does not. It may have opened several incidents before this one.',
    ),
  score: z.number().describe('Highest score of all findings.'),
  title: z.string(),
  findings: z.array(findingSchema).describe('Highest score first.'),
});

export type IncidentJson = z.output<typeof incidentSchema>;

/** The keys stand in the order of the schema: equal incidents give equal text. Names go out as they are. */
export function incidentJson(incident: Incident): IncidentJson {
  const { id, host, service, container, severity, escalation, start, end, resolvedAt, score, title } =
    incident;
  return {
    id,
    host,
    service,
    container,
    members: (incident.members ?? []).map(memberJson),
    image: incident.image ?? '',
    labels: { ...incident.labels },
    severity,
    escalation: escalation ? { from: escalation.from, at: isoTime(escalation.at) } : null,
    start: isoTime(start),
    end: isoTime(end),
    resolved_at: resolvedAt === null ? null : isoTime(resolvedAt),
    ended: incident.ended ?? null,
    flapping: incident.flapping ? flappingJson(incident.flapping) : null,
    score,
    title,
    findings: incident.findings.map(findingJson),
  };
}

const flappingJson = ({ times, since, last }: Flapping): z.output<typeof flappingSchema> => ({
  ...{ times, since: isoTime(since), last: isoTime(last) },
});

const memberJson = ({
  service,
  container,
  image = '',
  labels,
  since,
}: Member): z.output<typeof memberSchema> => ({
  ...{ service, container, image },
  labels: { ...labels },
  since: isoTime(since),
});

function findingJson(finding: Finding): IncidentJson['findings'][number] {
  const { rule, scope, first, last, peak, evidence, window, before, peer } = finding;
  return {
    rule,
    container: scope.container,
    direction: scope.direction ?? evidence.direction ?? null,
    metric: scope.metric,
    first: isoTime(first),
    last: isoTime(last),
    score: peak,
    seen: evidence.seen,
    expected_low: evidence.low,
    expected_high: evidence.high,
    unit: evidence.unit,
    view: evidence.view ?? null,
    window: window ? { from: isoTime(window.from), to: isoTime(window.to) } : null,
    before: before ? beforeJson(before) : null,
    peer: peer ? { ...peer } : null,
    text: sentenceOf(finding),
  };
}

const beforeJson = ({ times, inWeek, last, since }: Recurrence): z.output<typeof recurrenceSchema> => ({
  times,
  in_last_7_days: inWeek,
  last: last === null ? null : isoTime(last),
  since: isoTime(since),
});
