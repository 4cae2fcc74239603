import { z } from 'zod';
import { isoTime } from '../core/clock.ts';
import { printable } from '../core/errors.ts';
import { circumstancesOf } from '../core/incident/evidence-text.ts';
import { INCIDENT_STATES, type Notification, stateOfIncident } from '../core/incident/incident.ts';
import { incidentJson, incidentSchema } from '../core/incident/incident-json.ts';

/** The body of a webhook: its documentation, its type and, in tests, its check. Times are ISO 8601, UTC. */

export const payloadSchema = z
  .strictObject({
    version: z.literal(1).describe('Of this format; new keys may appear without a new version.'),
    key: z.string().describe('The same for every attempt to deliver the same message: ignore a known one.'),
    status: z
      .enum(INCIDENT_STATES)
      .describe('`ended`: over, but nobody has seen normal traffic since; `ended` of the incident says why.'),
    text: z
      .string()
      .describe('One line for people, made safe for chats: `&`, `<` and `>` are `&amp;`, `&lt;` and `&gt;`.'),
    incident: incidentSchema,
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

/**
 * Names go out as they are: JSON escapes them. `text` alone is for people: one line, without control characters; `own`: in
 * other words.
 */
export function payloadOf({ key, status: kind, incident }: Notification, own?: string): Payload {
  const { host, severity, start, ended } = incident;
  const [worst] = incident.findings;
  const title = [incident.title, ...(worst ? circumstancesOf(worst) : [])].join('; ');
  const status = kind === 'firing' ? 'firing' : stateOfIncident(incident);
  const what = status === 'firing' ? severity.toUpperCase() : status.toUpperCase();
  const why = status === 'ended' && ended !== undefined ? `, ${printable(ended, 100)}` : '';
  return {
    version: 1,
    key,
    status,
    text: forChat(
      printable(
        own?.replaceAll('\n', ' ') ??
          `[${what}] ${title} (host ${printable(host, 80)}, since ${isoTime(start)}${why})`,
        1000,
      ),
    ),
    incident: incidentJson(incident),
  };
}
