import { makeReceivers } from '../app/wire.ts';
import { incidentId, type Notification, notificationKey } from '../core/incident/incident.ts';
import type { Receiver } from '../notify/contract.ts';
import type { Context } from './context.ts';

/** What the doctor says of a receiver. */
export interface ReceiverLine {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  readonly remedy: string;
  readonly required: boolean;
}

/** One line for each configured receiver; with `notify`, each is sent a test message that is over at once. */
export async function receiverLines(context: Context, notify: boolean): Promise<ReceiverLine[]> {
  const { config, clock } = context;
  return Promise.all(
    makeReceivers(config, clock).map(async receiver => {
      const name = `receiver ${receiver.name}`;
      const reason = notify ? await tell(receiver, context) : null;
      const said = notify ? 'accepted a test message' : 'not tried; `doctor --notify` sends a test message';
      return {
        name,
        ok: reason === null,
        found: `${receiver.address}: ${reason ?? said}`,
        remedy: reason === null ? '' : 'Correct it in `receivers`, or fix the other side.',
        required: true,
      };
    }),
  );
}

/** Null when the receiver took a firing and a resolved message, otherwise why not. */
async function tell(receiver: Receiver, { config, clock, signal }: Context): Promise<string | null> {
  const now = clock.now();
  for (const status of ['firing', 'resolved'] as const) {
    const outcome = await receiver.deliver(testMessage(receiver.name, config.host, status, now), signal);
    if (outcome.kind !== 'accepted') return outcome.reason;
  }
  return null;
}

/** A message that says of itself that nothing happened. `now`: epoch ms. */
export function testMessage(
  receiver: string,
  host: string,
  status: Notification['status'],
  now: number,
): Notification {
  const id = incidentId(host, 'test message', now);
  return {
    key: notificationKey(id, receiver, status),
    receiver,
    status,
    incident: {
      id,
      host,
      service: '',
      container: '',
      severity: 'warning',
      start: now,
      end: now,
      resolvedAt: status === 'resolved' ? now : null,
      score: 1,
      findings: [],
      title: 'test message of tidegauge, nothing happened',
    },
  };
}
