import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { isoTime } from '../../../core/clock.ts';
import { printable, TidegaugeError, UsageError } from '../../../core/errors.ts';
import { beginningAndEnd, type Incident, type Notification } from '../../../core/incident/incident.ts';
import { incidentJson, incidentSchema } from '../../../core/incident/incident-json.ts';
import {
  DELIVERY_STATUSES,
  type Delivery,
  type DeliveryOutcome,
  type DeliveryStatus,
  type Lease,
  type State,
} from '../../../state/contract.ts';
import { operation, pageOf, pageQuery, text } from '../operation.ts';
import { notFound } from '../problem.ts';

/** Deliveries of each status that are looked at, newest first. */
export const DELIVERIES = 10_000;
/** What somebody may have to do something about. */
export const OPEN_DELIVERIES = ['pending', 'held', 'grouped', 'dead'] as const satisfies DeliveryStatus[];
/** Whoever replays holds it: two at once would count attempts wrongly. */
const REPLAY_LEASE = 'replay';
const REPLAY_MS = 60_000;

/** A delivery without all that its incident is. */
export interface ListedDelivery extends DeliveryOutcome {
  readonly notification: Omit<Notification, 'incident'> & { readonly incident: Pick<Incident, 'id'> };
}

const time = z.string();
const deliverySchema = z.strictObject({
  key: z.string(),
  receiver: z.string(),
  about: z.enum(['firing', 'resolved']),
  incident_id: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  attempts: z.int(),
  last_error: z.string().nullable().describe('Why the last attempt failed, or which silence holds it.'),
  next_attempt: time.nullable().describe('Null: at once, or never.'),
  failing_since: time.nullable().describe('When the first attempt failed.'),
});
const shownSchema = deliverySchema.extend({ incident: incidentSchema });
const replayedSchema = z.strictObject({ replayed: z.int().describe('Messages that will be tried again.') });

/** Times are ISO 8601, UTC; a message that was never tried is due at once. */
export const deliveryJson = ({
  notification,
  status,
  attempts,
  nextAttempt,
  lastError,
  failingSince,
}: ListedDelivery): z.output<typeof deliverySchema> => ({
  ...{ key: notification.key, receiver: notification.receiver, about: notification.status },
  ...{ incident_id: notification.incident.id, status, attempts, last_error: lastError },
  next_attempt: status === 'pending' && attempts > 0 ? isoTime(nextAttempt) : null,
  failing_since: failingSince === undefined ? null : isoTime(failingSince),
});

/** A delivery as `deliveryJson` wrote it. Throws a ZodError when it is none. */
export function deliveryFromJson(json: unknown): ListedDelivery {
  const { key, receiver, about, incident_id, status, attempts, ...rest } = deliverySchema.parse(json);
  return {
    notification: { key, receiver, status: about, incident: { id: incident_id } },
    ...{ status, attempts, lastError: rest.last_error },
    nextAttempt: rest.next_attempt === null ? 0 : Date.parse(rest.next_attempt),
    ...(rest.failing_since === null ? {} : { failingSince: Date.parse(rest.failing_since) }),
  };
}

/** With its incident. */
export const shownDeliveryJson = (delivery: Delivery): z.output<typeof shownSchema> => ({
  ...deliveryJson(delivery),
  incident: incidentJson(delivery.notification.incident),
});

/** Of a state, or of what a server says of one. */
interface DeliveryLists {
  deliveries(status: DeliveryStatus, limit: number): Promise<readonly ListedDelivery[]>;
}

/** Deliveries of all statuses by incident, oldest first. */
export async function deliveriesByIncident(state: DeliveryLists): Promise<Map<string, ListedDelivery[]>> {
  const all: ListedDelivery[] = [];
  for (const status of DELIVERY_STATUSES)
    all.push(...(await state.deliveries(status, DELIVERIES)).toReversed());
  return Map.groupBy(all, delivery => delivery.notification.incident.id);
}

/** The delivery with this key; throws an ApiError when there is none. */
export async function knownDelivery(state: Pick<State, 'delivery'>, key: string): Promise<Delivery> {
  const delivery = await state.delivery(key);
  if (delivery) return delivery;
  throw notFound({
    place: 'deliveries',
    expected: 'the key of a delivery',
    found: printable(key),
    remedy: '`tidegauge deliveries list` shows them.',
  });
}

/** What is replayed: one delivery, or all that a receiver did not get. */
export type Replayed = { readonly key: string } | { readonly receiver: string };

/** Dead ones become pending, as if they had never been tried. Returns how many; throws a TidegaugeError. */
export async function replay(state: State, what: Replayed): Promise<number> {
  const dead =
    'key' in what ? [deadOne(await knownDelivery(state, what.key))] : await deadOf(state, what.receiver);
  const lease = await state.acquire(REPLAY_LEASE, randomUUID(), REPLAY_MS);
  if (!lease) throw busy();
  try {
    for (const { notification } of dead) {
      if (!(await state.updateDelivery(lease, notification.key, ANEW))) throw busy();
      await againAfter(state, lease, notification);
    }
  } finally {
    await state.release(lease);
  }
  return dead.length;
}

const ANEW = { status: 'pending', attempts: 0, nextAttempt: 0, lastError: null } as const;

/** Who hears of the beginning only now must hear of the end once more: nobody else would ever end it there. */
async function againAfter(state: State, lease: Lease, { key, status }: Notification): Promise<void> {
  const pair = beginningAndEnd(key);
  if (status !== 'firing' || pair === null) return;
  const end = await state.delivery(pair.resolved);
  if (end?.status !== 'delivered') return;
  if (!(await state.updateDelivery(lease, end.notification.key, ANEW))) throw busy();
}

const deadOf = async (state: State, receiver: string): Promise<Delivery[]> =>
  (await state.deliveries('dead', DELIVERIES))
    .filter(({ notification }) => notification.receiver === receiver)
    .reverse();

function deadOne(delivery: Delivery): Delivery {
  if (delivery.status === 'dead') return delivery;
  throw new UsageError({
    place: printable(delivery.notification.key),
    expected: 'a delivery that was given up',
    found: `one that is ${delivery.status}`,
    remedy: 'What waits is tried again by itself, and what was delivered is not sent twice.',
  });
}

const busy = (): TidegaugeError =>
  new TidegaugeError({
    place: 'deliveries replay',
    found: 'another one is under way, or took over from this one',
    remedy: 'Look at `tidegauge deliveries list`, then try again.',
  });

export const deliveryOperations = [
  operation({
    id: 'listDeliveries',
    method: 'GET',
    path: '/deliveries',
    summary:
      'Messages to receivers: those that wait, are held by a silence or were given up, newest first of each.',
    query: z.strictObject({
      status: z.exactOptional(z.enum(DELIVERY_STATUSES)).describe('Those of one status instead.'),
      receiver: z.exactOptional(text('Only to this receiver.')),
      ...pageQuery(),
    }),
    answer: z.array(deliverySchema),
    async run({ state }, { query }) {
      const found: Delivery[] = [];
      for (const status of query.status === undefined ? OPEN_DELIVERIES : [query.status])
        found.push(...(await state.deliveries(status, DELIVERIES)));
      const mine = found.filter(
        ({ notification }) => query.receiver === undefined || notification.receiver === query.receiver,
      );
      const { page, next } = pageOf(mine, ({ notification }) => notification.key, query);
      return { value: page.map(deliveryJson), next };
    },
  }),
  operation({
    id: 'getDelivery',
    method: 'GET',
    path: '/deliveries/{key}',
    summary: 'One message, with its incident.',
    params: z.strictObject({ key: text('As the list shows it.') }),
    answer: shownSchema,
    run: async ({ state }, { path }) => ({ value: shownDeliveryJson(await knownDelivery(state, path.key)) }),
  }),
  operation({
    id: 'replayDelivery',
    method: 'POST',
    path: '/deliveries/{key}/replay',
    summary:
      'Try a message that was given up again, as if it were new; the receiver gets it under its old key.',
    params: z.strictObject({ key: text('As the list shows it.') }),
    answer: replayedSchema,
    run: async ({ state }, { path: { key } }) => ({ value: { replayed: await replay(state, { key }) } }),
  }),
  operation({
    id: 'replayReceiver',
    method: 'POST',
    path: '/receivers/{receiver}/replay',
    summary: 'The same for all that a receiver did not get.',
    params: z.strictObject({ receiver: text('Its name.') }),
    answer: replayedSchema,
    run: async ({ state }, { path: { receiver } }) => ({
      value: { replayed: await replay(state, { receiver }) },
    }),
  }),
];
