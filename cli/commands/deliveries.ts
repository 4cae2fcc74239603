import { randomUUID } from 'node:crypto';
import { isoTime } from '../../core/clock.ts';
import { formatCounted } from '../../core/config/units.ts';
import { printable, TidegaugeError, UsageError } from '../../core/errors.ts';
import { type Notification, notificationKey } from '../../core/incident/incident.ts';
import { incidentJson } from '../../core/incident/incident-json.ts';
import { jsonText } from '../../review/report.ts';
import {
  DELIVERY_STATUSES,
  type Delivery,
  type DeliveryStatus,
  type Lease,
  type State,
} from '../../state/contract.ts';
import { addCommand, type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { openState } from '../open-data.ts';
import { deliveryText } from './incidents.ts';

interface ListFlags extends CommonFlags {
  readonly status?: string;
  readonly receiver?: string;
  readonly json?: boolean;
}

/** Deliveries of each status that are looked at, newest first. */
const LIMIT = 10_000;
/** What is listed unless asked otherwise: what somebody may have to do something about. */
const OPEN: readonly DeliveryStatus[] = ['pending', 'held', 'dead'];
/** Whoever replays holds it: two at once would count attempts wrongly. */
const REPLAY_LEASE = 'replay';
const REPLAY_MS = 60_000;

export const registerDeliveries: Register = (program, signal) => {
  const deliveries = program
    .command('deliveries')
    .description('messages on their way to receivers, and those that were given up');
  const list = addCommand(deliveries, 'list', 'those that wait, are held by a silence, or were given up');
  list
    .option('--status <status>', `only of one status: ${DELIVERY_STATUSES.join(', ')}`)
    .option('--receiver <name>', 'only to this receiver')
    .option('--json', 'machine-readable');
  setAction(list, signal, listDeliveries, { needs: STORED });
  const show = addCommand(deliveries, 'show', 'one of them, with its incident, as JSON');
  show.argument('<key>', 'as `deliveries list` shows it');
  setAction(show, signal, showDelivery, { needs: STORED });
  const replay = addCommand(
    deliveries,
    'replay',
    'try what was given up again, as if it were new; receivers get it under its old key',
  );
  replay
    .argument('[key]', 'as `deliveries list` shows it')
    .option('--receiver <name>', 'all that this receiver did not get');
  setAction(replay, signal, replayDeliveries, { needs: STORED });
};

/** The open ones, or those of one status, newest first. */
async function listDeliveries(context: Context, flags: ListFlags): Promise<number> {
  const { out, zone } = context;
  const statuses = flags.status === undefined ? OPEN : [statusOf(flags.status)];
  const list = async (state: State) => {
    const found: Delivery[] = [];
    for (const status of statuses) found.push(...(await state.deliveries(status, LIMIT)));
    const mine = found.filter(
      ({ notification }) => flags.receiver === undefined || notification.receiver === flags.receiver,
    );
    if (flags.json) return out.write(jsonText(mine.map(deliveryJson)));
    const lines = mine.map(
      delivery => `${printable(delivery.notification.key)}: ${deliveryText(delivery, zone)}`,
    );
    return out.write(`${lines.join('\n') || 'No deliveries.'}\n`);
  };
  return openState(context, 'read', list, () => flags.json && out.write(jsonText([])));
}

async function showDelivery(context: Context, _flags: CommonFlags, key: string): Promise<number> {
  return openState(context, 'read', async state => {
    const delivery = await known(state, key);
    const incident = incidentJson(delivery.notification.incident);
    context.out.write(jsonText({ ...deliveryJson(delivery), incident }));
  });
}

/** Dead ones become pending, as if they had never been tried. */
async function replayDeliveries(
  context: Context,
  { receiver }: CommonFlags & { readonly receiver?: string },
  key?: string,
): Promise<number> {
  if ((key === undefined) === (receiver === undefined)) {
    throw new UsageError({
      place: 'deliveries replay',
      found: 'either a key or --receiver is required',
      remedy: '`tidegauge deliveries list --status dead` shows what was given up.',
    });
  }
  return openState(context, 'write', async state => {
    const dead = key === undefined ? await deadOf(state, receiver) : [deadOne(await known(state, key))];
    const lease = await state.acquire(REPLAY_LEASE, randomUUID(), REPLAY_MS);
    if (!lease) throw busy();
    try {
      for (const { notification } of dead) {
        const outcome = { status: 'pending', attempts: 0, nextAttempt: 0, lastError: null } as const;
        if (!(await state.updateDelivery(lease, notification.key, outcome))) throw busy();
        await againAfter(state, lease, notification);
      }
    } finally {
      await state.release(lease);
    }
    context.out.write(`${formatCounted(dead.length, 'message')} will be tried again.\n`);
  });
}

/** Who hears of the beginning only now must hear of the end once more: nobody else would ever end it there. */
async function againAfter(
  state: State,
  lease: Lease,
  { incident, receiver, status }: Notification,
): Promise<void> {
  if (status !== 'firing') return;
  const end = await state.delivery(notificationKey(incident.id, receiver, 'resolved'));
  if (end?.status !== 'delivered') return;
  const outcome = { status: 'pending', attempts: 0, nextAttempt: 0, lastError: null } as const;
  if (!(await state.updateDelivery(lease, end.notification.key, outcome))) throw busy();
}

const deadOf = async (state: State, receiver: string | undefined): Promise<Delivery[]> =>
  (await state.deliveries('dead', LIMIT))
    .filter(({ notification }) => notification.receiver === receiver)
    .reverse();

async function known(state: State, key: string): Promise<Delivery> {
  const delivery = await state.delivery(key);
  if (delivery) return delivery;
  throw new UsageError({
    place: 'deliveries',
    expected: 'the key of a delivery',
    found: printable(key),
    remedy: '`tidegauge deliveries list` shows them.',
  });
}

function deadOne(delivery: Delivery): Delivery {
  if (delivery.status === 'dead') return delivery;
  throw new UsageError({
    place: printable(delivery.notification.key),
    expected: 'a delivery that was given up',
    found: `one that is ${delivery.status}`,
    remedy: 'What waits is tried again by itself, and what was delivered is not sent twice.',
  });
}

function statusOf(text: string): DeliveryStatus {
  const status = DELIVERY_STATUSES.find(each => each === text);
  if (status) return status;
  throw new UsageError({
    place: '--status',
    expected: `one of ${DELIVERY_STATUSES.join(', ')}`,
    found: printable(text),
    remedy: 'Correct the flag.',
  });
}

const busy = (): TidegaugeError =>
  new TidegaugeError({
    place: 'deliveries replay',
    found: 'another one is under way, or took over from this one',
    remedy: 'Look at `tidegauge deliveries list`, then try again.',
  });

/** Times are ISO 8601, UTC; a message that was never tried is due at once. */
const deliveryJson = ({
  notification,
  status,
  attempts,
  nextAttempt,
  lastError,
  failingSince,
}: Delivery) => ({
  ...{ key: notification.key, receiver: notification.receiver, about: notification.status },
  ...{ incident_id: notification.incident.id, status, attempts, last_error: lastError },
  next_attempt: status === 'pending' && attempts > 0 ? isoTime(nextAttempt) : null,
  failing_since: failingSince === undefined ? null : isoTime(failingSince),
});
