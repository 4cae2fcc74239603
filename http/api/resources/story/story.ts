import { z } from 'zod';
import { isoTime } from '../../../../core/clock.ts';
import {
  INCIDENT_STATES,
  type Incident,
  type IncidentState,
  OCCASIONS,
  type Occasion,
  stateOfIncident,
} from '../../../../core/incident/incident.ts';
import { incidentFromJson } from '../../../../core/incident/incident-from-json.ts';
import { incidentJson, incidentSchema } from '../../../../core/incident/incident-json.ts';
import {
  DELIVERY_STATUSES,
  type Delivery,
  type DeliveryStatus,
  type State,
} from '../../../../state/contract.ts';
import type { Reasons } from '../../contract.ts';
import { operation, text } from '../../operation.ts';
import { unknownIncident } from '../incidents.ts';
import { type Around, aroundFromJson, aroundJson, aroundOf, aroundSchema } from './around.ts';
import {
  type PeersThen,
  peersFromJson,
  peersJson,
  peersSchema,
  peersThen,
  type StoreReader,
} from './peers.ts';
import { type WatchedThen, watchedFromJson, watchedJson, watchedSchema, watchedThen } from './watched.ts';

/** A message about an incident, and what became of it. Times are epoch ms. */
export interface Told {
  readonly key: string;
  readonly receiver: string;
  readonly about: 'firing' | 'resolved';
  readonly occasion: Occasion | null;
  /** How the incident stood when it was written. */
  readonly state: IncidentState;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  /** Why it was not accepted, or what holds it; null: there is no reason. */
  readonly reason: string | null;
  readonly acceptedAt: number | null;
  /** Null: at once, or never. */
  readonly nextAttempt: number | null;
  readonly failingSince: number | null;
  /** Key of the message that tells it: its own, or that of a group. */
  readonly message: string;
  /** Keys of the others that its message tells. */
  readonly members: readonly string[];
}

/** What is known of an incident and its messages. */
export interface Story {
  readonly incident: Incident;
  /** Why it is as severe as it is; null: not known. */
  readonly why: string | null;
  /** Oldest first. */
  readonly told: readonly Told[];
  /** Receivers to whom no message about it was ever queued, each with the reason. */
  readonly untold: readonly { readonly receiver: string; readonly reason: string }[];
  readonly watched: WatchedThen;
  readonly peers: PeersThen;
  readonly around: Around;
  /** Where people reach the page; empty: nobody knows. */
  readonly page: string;
}

/** Where a story is found. */
export interface Sources {
  readonly state: State;
  readonly reasons: Reasons;
  readonly readStore: StoreReader;
  /** Epoch ms. */
  readonly now: number;
}

const time = z.string();
const toldSchema = z.strictObject({
  key: z.string(),
  receiver: z.string(),
  about: z.enum(['firing', 'resolved']),
  occasion: z.enum(OCCASIONS).nullable().describe('Null: that it begins, or is over.'),
  incident_state: z.enum(INCIDENT_STATES).describe('How the incident stood when the message was written.'),
  status: z.enum(DELIVERY_STATUSES),
  attempts: z.int(),
  reason: z.string().nullable().describe('Why it was not accepted, or what holds it.'),
  accepted_at: time.nullable(),
  next_attempt: time.nullable().describe('Null: at once, or never.'),
  failing_since: time.nullable().describe('When the first attempt failed.'),
  message: z.string().describe('Key of the message that tells it: its own, or that of a group.'),
  members: z.array(z.string()).describe('Keys of the others that its message tells.'),
});

const storySchema = z.strictObject({
  incident: incidentSchema,
  severity_reason: z.string().nullable().describe('Why it is as severe as it is; null: not known.'),
  reopened_at: time.nullable().describe('When it fired again shortly after it was over; null: it did not.'),
  deliveries: z.array(toldSchema).describe('Messages about it, the oldest first.'),
  not_told: z
    .array(z.strictObject({ receiver: z.string(), reason: z.string() }))
    .describe('Receivers to whom no message about it was ever queued, and why.'),
  watched: watchedSchema,
  peers: peersSchema,
  around: aroundSchema.describe('What else was going on, and what people said of it.'),
  page: z.string().describe('Where people reach the page, by `http.external_url`; empty: nobody knows.'),
});

/** The story of an incident; null: there is none with this id. */
export async function storyOf(
  { state, reasons, readStore, now }: Sources,
  id: string,
): Promise<Story | null> {
  const incident = await state.incident(id);
  if (incident === null) return null;
  const told = (await state.deliveriesAbout(id)).map(toldOf);
  return {
    ...{ incident, why: reasons.severityReason(incident), told, untold: untoldOf(incident, told, reasons) },
    watched: await watchedThen(readStore, incident, now),
    peers: await peersThen(readStore, incident),
    around: await aroundOf(state, incident, now),
    page: reasons.page,
  };
}

/** A delivery, as its incident's story tells it. */
export function toldOf({ notification, status, attempts, nextAttempt, lastError, ...more }: Delivery): Told {
  const { key, receiver, incident } = notification;
  return {
    ...{ key, receiver, about: notification.status, occasion: notification.occasion ?? null },
    ...{ state: stateOfIncident(incident), status, attempts, reason: lastError },
    acceptedAt: status === 'delivered' ? nextAttempt : null,
    nextAttempt: status === 'pending' && nextAttempt > 0 ? nextAttempt : null,
    failingSince: more.failingSince ?? null,
    ...{ message: more.within ?? key, members: more.members ?? [] },
  };
}

function untoldOf(incident: Incident, told: readonly Told[], reasons: Reasons): Story['untold'] {
  const heard = new Set(told.map(({ receiver }) => receiver));
  const routed = new Set(reasons.everReceiversOf(incident));
  return reasons.receivers
    .filter(receiver => !heard.has(receiver))
    .map(receiver => ({
      receiver,
      reason: routed.has(receiver)
        ? 'no message was queued: it was not configured then, or the incident was found in what was stored'
        : 'no route of the configuration names it for this incident',
    }));
}

const isoOrNull = (at: number | null): string | null => (at === null ? null : isoTime(at));
const parsed = (iso: string | null): number | null => (iso === null ? null : Date.parse(iso));

/** Times are ISO 8601, UTC. */
export const storyJson = ({
  incident,
  why,
  told,
  untold,
  watched,
  peers,
  around,
  page,
}: Story): z.output<typeof storySchema> => ({
  incident: incidentJson(incident),
  severity_reason: why,
  reopened_at: isoOrNull(incident.reopenedAt ?? null),
  deliveries: told.map(({ state, acceptedAt, nextAttempt, failingSince, message, members, ...rest }) => {
    const { key, receiver, about, occasion, status, attempts, reason } = rest;
    return {
      ...{ key, receiver, about, occasion, incident_state: state, status, attempts, reason },
      ...{ accepted_at: isoOrNull(acceptedAt), next_attempt: isoOrNull(nextAttempt) },
      ...{ failing_since: isoOrNull(failingSince), message, members: [...members] },
    };
  }),
  not_told: untold.map(one => ({ ...one })),
  watched: watchedJson(watched),
  ...{ peers: peersJson(peers), around: aroundJson(around), page },
});

/** A story as `storyJson` wrote it. Throws a ZodError when it is none. */
export function storyFromJson(json: unknown): Story {
  const { incident, severity_reason, reopened_at, deliveries, not_told, ...more } = storySchema.parse(json);
  return {
    incident: {
      ...incidentFromJson(incident),
      ...(reopened_at === null ? {} : { reopenedAt: Date.parse(reopened_at) }),
    },
    ...{ why: severity_reason, untold: not_told, page: more.page },
    watched: watchedFromJson(more.watched),
    ...{ peers: peersFromJson(more.peers), around: aroundFromJson(more.around) },
    told: deliveries.map(({ incident_state, accepted_at, next_attempt, failing_since, ...rest }) => ({
      ...{ ...rest, state: incident_state, acceptedAt: parsed(accepted_at) },
      ...{ nextAttempt: parsed(next_attempt), failingSince: parsed(failing_since) },
    })),
  };
}

export const storyOperations = [
  operation({
    id: 'explainIncident',
    method: 'GET',
    path: '/incidents/{id}/explain',
    summary:
      'The whole story of an incident: what was seen, whom it talked to, what else was going on, who was told and who was not.',
    params: z.strictObject({ id: text('As the list shows it.') }),
    answer: storySchema,
    async run({ state, store, reasons, now }, { path: { id } }) {
      const known = await reasons();
      const story = await storyOf({ state, reasons: known, readStore: action => action(store), now }, id);
      if (story === null) throw unknownIncident(id);
      return { value: storyJson(story) };
    },
  }),
];
