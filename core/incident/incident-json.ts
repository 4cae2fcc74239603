import { z } from 'zod';
import { isoTime } from '../clock.ts';
import { DIRECTIONS } from '../traffic/frame.ts';
import { METRICS } from '../traffic/series.ts';
import { type Finding, type Incident, SEVERITIES } from './incident.ts';

/** An incident for other programs: in webhooks and in what commands print with `--json`. Times are ISO 8601, UTC. */

export const findingSchema = z
  .strictObject({
    rule: z
      .string()
      .describe(
        'Name of the rule that noticed it; `capture` or `shipping`: what is watched was lost in part.',
      ),
    container: z.string().nullable().describe('Container judged; null when it is a service or host.'),
    direction: z.enum(DIRECTIONS).nullable().describe('Direction judged, or null.'),
    metric: z.enum(METRICS).nullable().describe('Metric judged, or null.'),
    first: z.string().describe('Start of the first anomalous window.'),
    last: z.string().describe('Start of the last anomalous window so far.'),
    score: z.number().describe('Highest score; 1 is the limit of the rule.'),
    seen: z.number().describe('The value with the highest score, in `unit`.'),
    expected_low: z.number().nullable().describe('Least normal value, in `unit`; null where there is none.'),
    expected_high: z
      .number()
      .nullable()
      .describe('Greatest normal value, in `unit`; null where there is none.'),
    unit: z
      .string()
      .describe('`B/s`, `msg/s` or `B`; of what was lost `messages` or `frames`, or `%` of a full map.'),
    text: z.string().describe('The same as a sentence for people.'),
  })
  .describe('What one rule saw in one series, at its highest score.');

export const incidentSchema = z.strictObject({
  id: z.string().describe('The same in the firing and the resolved message.'),
  host: z.string(),
  service: z.string(),
  container: z.string().describe('Empty when the incident is about a service or host as a whole.'),
  severity: z.enum(SEVERITIES),
  start: z.string().describe('Start of the first anomalous window.'),
  end: z.string().describe('End of the last anomalous window so far.'),
  resolved_at: z.string().nullable().describe('When it was found to be over; null while it is firing.'),
  ended: z
    .string()
    .nullable()
    .describe(
      'Why it is over although nobody has seen normal traffic since, such as a container that is gone; else null.',
    ),
  score: z.number().describe('Highest score of all findings.'),
  title: z.string(),
  findings: z.array(findingSchema).describe('Highest score first.'),
});

export type IncidentJson = z.output<typeof incidentSchema>;

/** The keys stand in the order of the schema: equal incidents give equal text. Names go out as they are. */
export function incidentJson(incident: Incident): IncidentJson {
  const { id, host, service, container, severity, start, end, resolvedAt, score, title } = incident;
  return {
    id,
    host,
    service,
    container,
    severity,
    start: isoTime(start),
    end: isoTime(end),
    resolved_at: resolvedAt === null ? null : isoTime(resolvedAt),
    ended: incident.ended ?? null,
    score,
    title,
    findings: incident.findings.map(findingJson),
  };
}

const findingJson = ({
  rule,
  scope,
  first,
  last,
  peak,
  evidence,
}: Finding): IncidentJson['findings'][number] => ({
  rule,
  container: scope.container,
  direction: scope.direction,
  metric: scope.metric,
  first: isoTime(first),
  last: isoTime(last),
  score: peak,
  seen: evidence.seen,
  expected_low: evidence.low,
  expected_high: evidence.high,
  unit: evidence.unit,
  text: evidence.text,
});
