import { z } from 'zod';
import { isoTime } from '../core/clock.ts';
import { printable } from '../core/errors.ts';
import { DIRECTIONS } from '../core/frame.ts';
import { type Notification, SEVERITIES } from '../core/incident.ts';
import { METRICS } from '../core/series.ts';

/** The body of a webhook: its documentation, its type and, in tests, its check. Times are ISO 8601, UTC. */

const finding = z
  .strictObject({
    rule: z.string().describe('Name of the rule that noticed it.'),
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
    unit: z.string().describe('`B/s`, `msg/s` or `B`.'),
    text: z.string().describe('The same as a sentence for people.'),
  })
  .describe('What one rule saw in one series, at its highest score.');

export const payloadSchema = z
  .strictObject({
    version: z.literal(1).describe('Of this format; new keys may appear without a new version.'),
    key: z.string().describe('The same for every attempt to deliver the same message: ignore a known one.'),
    status: z.enum(['firing', 'resolved']),
    text: z
      .string()
      .describe('One line for people, made safe for chats: `&`, `<` and `>` are `&amp;`, `&lt;` and `&gt;`.'),
    incident: z.strictObject({
      id: z.string().describe('The same in the firing and the resolved message.'),
      host: z.string(),
      service: z.string(),
      container: z.string().describe('Empty when the incident is about a service or host as a whole.'),
      severity: z.enum(SEVERITIES),
      start: z.string().describe('Start of the first anomalous window.'),
      end: z.string().describe('End of the last anomalous window so far.'),
      resolved_at: z.string().nullable().describe('When it was found to be over; null while it is firing.'),
      score: z.number().describe('Highest score of all findings.'),
      title: z.string(),
      findings: z.array(finding).describe('Highest score first.'),
    }),
  })
  .describe('A message about an incident.');

export type Payload = z.output<typeof payloadSchema>;

/**
 * Text for a chat: names in it are others' choice and must not mention or link anybody. `&`, `<` and `>` as Slack wants
 * them; the words that call a whole channel elsewhere lose their at sign to its full-width twin.
 */
const forChat = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/@(?=(all|channel|everyone|here)\b)/gi, '\uff20');

/** Names go out as they are: JSON escapes them. `text` alone is for people: one line, without control characters. */
export function payloadOf({ key, status, incident }: Notification): Payload {
  const { id, host, service, container, severity, start, end, resolvedAt, score, title } = incident;
  const what = status === 'firing' ? severity.toUpperCase() : 'RESOLVED';
  return {
    version: 1,
    key,
    status,
    text: forChat(
      printable(`[${what}] ${title} (host ${printable(host, 80)}, since ${isoTime(start)})`, 1000),
    ),
    incident: {
      id,
      host,
      service,
      container,
      severity,
      start: isoTime(start),
      end: isoTime(end),
      resolved_at: resolvedAt === null ? null : isoTime(resolvedAt),
      score,
      title,
      findings: incident.findings.map(({ rule, scope, first, last, peak, evidence }) => ({
        rule,
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
      })),
    },
  };
}
