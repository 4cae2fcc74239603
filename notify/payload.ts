import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isoTime } from '../core/clock.ts';
import { printable } from '../core/errors.ts';
import { circumstancesOf, flappingText } from '../core/incident/evidence-text.ts';
import {
  INCIDENT_STATES,
  type Notification,
  SEVERITIES,
  type Severity,
  stateOfIncident,
} from '../core/incident/incident.ts';
import { incidentJson, incidentSchema } from '../core/incident/incident-json.ts';
import type { Told } from './contract.ts';
import { stateOf, worstFirst } from './shared/group.ts';
import { lastedText, messageOf } from './shared/message.ts';

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
    page: z
      .string()
      .nullable()
      .describe(
        'Where the page shows it, by `http.external_url`; null: that is empty. `text` ends with it, unless it has words of its own.',
      ),
    incident: incidentSchema.describe('Of several the most severe.'),
    group: z
      .strictObject({
        incidents: z.int().min(2),
        severities: z.record(z.enum(SEVERITIES), z.int()),
      })
      .meta({ unit: 'group of keys' })
      .nullable()
      .describe(
        'How many incidents the message tells, in all (`incidents`) and of each severity (`severities`); null: one.',
      ),
    incidents: z
      .array(z.strictObject({ key: z.string(), incident: incidentSchema }))
      .describe(
        'Of a group all that the message tells, the most severe first: each incident, and the key that a message about it alone would have. Else empty.',
      ),
  })
  .describe('A message about one incident, or several of a group.');

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
 * The key of a message, the same for each attempt. That of a group follows from what it tells: a receiver that drops known
 * keys must not drop an incident that was not told under this one. What is left out of it since does not change it.
 */
export function messageKey({
  key,
  others = [],
  decided = [key, ...others.map(one => one.key)],
}: Told): string {
  const [lead = key] = decided;
  if (decided.length === 1) return lead;
  const all = decided.toSorted();
  return `${lead}-${createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 16)}`;
}

/**
 * Names go out as they are: JSON escapes them. `text` alone is for people: one line, without control characters; `own`: in
 * other words.
 */
export function payloadOf(told: Told, own?: string): Payload {
  const { others = [] } = told;
  const all = worstFirst(told);
  const [{ incident }] = all;
  const { link } = messageOf(told);
  const text = forChat(
    printable(own?.replaceAll('\n', ' ') ?? (others.length > 0 ? groupText(told) : textOf(told)), 1000),
  );
  return {
    version: 1,
    key: messageKey(told),
    status: stateOf(all),
    text: own === undefined && link !== null ? `${text} ${link}` : text,
    page: link,
    incident: incidentJson(incident),
    group: others.length > 0 ? groupOf(all) : null,
    incidents:
      others.length > 0 ? all.map(one => ({ key: one.key, incident: incidentJson(one.incident) })) : [],
  };
}

function textOf({ status: kind, occasion, incident }: Notification): string {
  const { host, severity, start, ended } = incident;
  const [worst] = incident.findings;
  const flaps = flappingText(incident);
  const parts = [
    incident.title,
    ...(worst ? circumstancesOf(worst) : []),
    ...(flaps === null ? [] : [flaps]),
  ];
  const title = parts.join('; ');
  const status = kind === 'firing' ? 'firing' : stateOfIncident(incident);
  const what = status === 'firing' ? severity.toUpperCase() : status.toUpperCase();
  const why = status === 'ended' && ended !== undefined ? `, ${printable(ended, 100)}` : '';
  const again = occasion === undefined ? '' : `${OCCASION_WORDS[occasion]}: `;
  const when = status === 'firing' ? `since ${isoTime(start)}` : lastedText(incident);
  return `[${what}] ${again}${title} (host ${printable(host, 80)}, ${when}${why})`;
}

const OCCASION_WORDS = {
  reopened: 'fires again',
  worse: 'now critical',
  flapping: 'flapping',
  repeat: 'still firing',
  acknowledged: 'acknowledged',
} as const;

const groupText = (told: Told): string => {
  const { headline, summary, facts } = messageOf(told);
  const shown = facts.filter(({ name }) => name !== 'Look at').map(({ name, text }) => `${name}: ${text}`);
  return [headline, summary, ...shown].join('; ');
};

const groupOf = (all: readonly Notification[]): Payload['group'] => {
  const counts = SEVERITIES.map(
    severity => [severity, all.filter(({ incident }) => incident.severity === severity).length] as const,
  );
  return { incidents: all.length, severities: Object.fromEntries(counts) as Record<Severity, number> };
};
