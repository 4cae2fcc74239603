import { randomUUID } from 'node:crypto';
import { formatDuration, parseDuration } from '../../core/config/units.ts';
import { printable, TidegaugeError, UsageError } from '../../core/errors.ts';
import type { Notification } from '../../core/incident/incident.ts';
import { POLICY_LEASE } from '../../core/lane.ts';
import type { Delivery, State } from '../../state/contract.ts';
import { addCommand, type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { note, openState } from '../open-data.ts';
import { testMessage } from '../receiver-checks.ts';
import { deliveryText } from './incidents.ts';

interface TestFlags extends CommonFlags {
  readonly wait: string;
}

const TEST_LEASE = 'notify-test';
const LEASE_MS = 60_000;
/** How often it is looked what became of the messages, ms. */
const LOOK_MS = 200;
/** Longest wait for them, ms. */
const LONGEST_MS = 3_600_000;

export const registerNotify: Register = (program, signal) => {
  const notify = program.command('notify').description('try how people are told');
  const test = addCommand(
    notify,
    'test',
    'send a test message, and its end, the whole way of an alert: queued, then delivered by the process that detects',
  );
  test
    .argument('<receiver>', 'its name in the configuration')
    .option('--wait <duration>', 'how long to wait until it is accepted', '30s');
  setAction(test, signal, notifyTest, { needs: [...STORED, 'receivers'] });
};

/** Queues a firing and a resolved message for one receiver and says what became of them. */
async function notifyTest(context: Context, flags: TestFlags, name: string): Promise<number> {
  const { config, clock, out, zone } = context;
  const names = config.receivers.map(receiver => receiver.name);
  if (!names.includes(name)) throw unknownReceiver(name, names);
  const waitMs = waitOf(flags.wait);
  return openState(context, 'write', async state => {
    await refuseUnlessDelivered(state);
    const now = clock.now();
    const notifications = (['firing', 'resolved'] as const).map(status =>
      testMessage(name, config.host, status, now),
    );
    await queue(state, notifications);
    note(waitingText(name, waitMs, config.alert.group_wait));
    const found = await outcomes(context, state, notifications, waitMs);
    for (const delivery of found) out.write(`${deliveryText(delivery, zone)}\n`);
    if (found.some(({ status }) => status !== 'delivered')) throw notAccepted(name, waitMs);
  });
}

/** What is waited for; `groupMs`: how long a message is held for others of its group. */
const waitingText = (name: string, waitMs: number, groupMs: number): string =>
  `queued; waiting up to ${formatDuration(waitMs)} until ${name} has accepted the test and its end. ` +
  `${groupMs > 0 ? `Messages are held for ${formatDuration(groupMs)} (alert.group_wait). ` : ''}Ctrl-C ends only the waiting.`;

/** Whoever delivers holds a lease; if it can be had, nobody does. */
async function refuseUnlessDelivered(state: State): Promise<void> {
  const lease = await state.acquire(POLICY_LEASE, randomUUID(), LEASE_MS);
  if (!lease) return;
  await state.release(lease);
  throw new TidegaugeError({
    place: 'notify test',
    found: 'no process delivers messages of this installation now',
    remedy:
      'Start `tidegauge run` or `tidegauge detect`; `tidegauge doctor --notify` tries receivers without one.',
  });
}

async function queue(state: State, notifications: readonly Notification[]): Promise<void> {
  const lease = await state.acquire(TEST_LEASE, randomUUID(), LEASE_MS);
  const isQueued = lease !== null && (await state.commit(lease, { incidents: [], notifications }));
  if (lease) await state.release(lease);
  if (isQueued) return;
  throw new TidegaugeError({
    place: 'notify test',
    found: 'another test is being queued',
    remedy: 'Try again in a moment.',
  });
}

/** What became of them: as soon as all are at an end, or when the time is over. What fails meanwhile is said once. */
async function outcomes(
  { clock, signal, zone }: Context,
  state: State,
  notifications: readonly Notification[],
  waitMs: number,
): Promise<Delivery[]> {
  const end = clock.monotonic() + waitMs;
  const told = new Set<string>();
  for (;;) {
    const found: Delivery[] = [];
    for (const { key } of notifications) {
      const delivery = await state.delivery(key);
      if (!delivery) continue;
      found.push(delivery);
      const { status, lastError } = delivery;
      if (status !== 'pending' || lastError === null || told.has(lastError)) continue;
      told.add(lastError);
      note(deliveryText(delivery, zone));
    }
    const isDone = found.every(({ status }) => status !== 'pending' && status !== 'grouped');
    if (isDone || clock.monotonic() >= end || signal.aborted) return found;
    await clock.sleep(LOOK_MS, signal);
  }
}

function waitOf(text: string): number {
  const wait = parseDuration(text);
  if (wait !== null && wait <= LONGEST_MS) return wait;
  throw new UsageError({
    place: '--wait',
    expected: `a duration of up to ${formatDuration(LONGEST_MS)}, such as 30s`,
    found: printable(text),
    remedy: 'Correct the flag.',
  });
}

const unknownReceiver = (name: string, names: readonly string[]): TidegaugeError =>
  new UsageError({
    place: 'notify test',
    expected: names.length === 0 ? 'a receiver in the configuration' : `one of ${names.join(', ')}`,
    found: printable(name),
    remedy: 'Add it to `receivers`, or correct the name.',
  });

const notAccepted = (name: string, waitMs: number): TidegaugeError =>
  new TidegaugeError({
    place: `receiver ${name}`,
    found: `the test was not accepted within ${formatDuration(waitMs)}`,
    remedy: 'What is pending is still tried; `tidegauge deliveries list` says how it stands.',
  });
