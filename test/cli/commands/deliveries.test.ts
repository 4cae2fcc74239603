import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../core/clock.ts';
import { createReceivers } from '../../../notify/index.ts';
import { webhook } from '../../../notify/webhook.ts';
import type { Lease, State } from '../../../state/contract.ts';
import { Deliverer } from '../../../worker/deliveries/deliver.ts';
import { incidentOf, notificationOf } from '../../data/incidents.ts';
import { recordingLog } from '../../parts/log.ts';
import { temporaryFolder, until } from '../../parts/process.ts';
import { type Hook, startHook, tidegauge, writeConfig } from '../../parts/tidegauge.ts';
import { openFiles, UNGROUPED } from '../../worker/fixture.ts';

describe('deliveries and the test of a receiver', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let hook: Hook;
  let state: State;
  let lane: Lease;
  let deliverer: Deliverer | undefined;

  beforeEach(async () => {
    folder = temporaryFolder();
    hook = await startHook();
    state = openFiles(folder.path, systemClock).state;
    await state.open();
    lane = (await state.acquire('lane-0', 'me', 1e9)) as Lease;
    const receivers = [{ use: 'webhook', name: 'chat', url: hook.url }];
    writeConfig(folder.path, { data: folder.path, receivers });
  });

  afterEach(async () => {
    await deliverer?.stop();
    deliverer = undefined;
    await state.close();
    await hook.stop();
    folder.remove();
  });

  /** Runs a command to its end; what it said. */
  async function said(args: readonly string[], code = 0): Promise<string> {
    const child = tidegauge(args, { cwd: folder.path });
    await child.ended(code);
    return child.output;
  }

  /** What a process that detects does for messages. */
  async function deliver(): Promise<void> {
    const policy = (await state.acquire('policy', 'me', 1e9)) as Lease;
    const options = webhook.options.parse({ url: hook.url });
    const receivers = createReceivers([{ use: 'webhook', name: 'chat', options }], systemClock);
    const { log } = recordingLog();
    const common = { state, clock: systemClock, log, leaseMs: 1e9, unrecorded: new Map(), policy: UNGROUPED };
    deliverer = new Deliverer(policy, { ...common, receivers });
    deliverer.start();
  }

  /** A message that waits and one that was given up. */
  async function waitingAndDead() {
    const [dead, waiting] = [1, 2].map(n => notificationOf(incidentOf(1_700_000_000_000 + n), 'chat'));
    if (!dead || !waiting) throw new Error('two were made');
    await state.commit(lane, { incidents: [], notifications: [dead, waiting] });
    const outcome = { status: 'dead', attempts: 3, nextAttempt: 0, lastError: 'HTTP 404: gone' } as const;
    await state.updateDelivery(lane, dead.key, outcome);
    return { waiting, dead };
  }

  it('lists what waits and what was given up, and shows one', async () => {
    const { waiting, dead } = await waitingAndDead();
    expect(await said(['deliveries', 'list'])).toBe(
      `${waiting.key}: firing to chat: pending after 0 attempts\n${dead.key}: firing to chat: dead after 3 attempts, last error: HTTP 404: gone\n`,
    );
    expect(await said(['deliveries', 'list', '--receiver', 'other'])).toBe('No deliveries.\n');
    expect(JSON.parse(await said(['deliveries', 'show', dead.key]))).toMatchObject({
      ...{ key: dead.key, receiver: 'chat', about: 'firing', status: 'dead', attempts: 3 },
      ...{ last_error: 'HTTP 404: gone', incident: { id: dead.incident.id } },
    });
    expect(await said(['deliveries', 'show', 'nobody'], 2)).toContain('expected the key of a delivery');
  });

  it('tries what was given up again', async () => {
    const { waiting, dead } = await waitingAndDead();
    expect(await said(['deliveries', 'replay', waiting.key], 2)).toContain('found one that is pending');
    expect(await said(['deliveries', 'replay', dead.key])).toBe('1 message will be tried again.\n');
    await deliver();
    await until('both to arrive', () => hook.bodies.length === 2);
    await until('both to be recorded', async () => (await state.deliveries('delivered', 9)).length === 2);
    expect(await state.delivery(dead.key)).toMatchObject({ status: 'delivered', attempts: 1 });
    expect(await said(['deliveries', 'list'])).toBe('No deliveries.\n');
  });

  it('sends a test and its end the whole way, and says what became of them', async () => {
    expect(await said(['notify', 'test', 'other'], 2)).toContain('expected one of chat, found other');
    expect(await said(['notify', 'test', 'chat'], 1)).toContain('no process delivers messages');
    expect(hook.bodies).toEqual([]);
    await deliver();
    const lines = (await said(['notify', 'test', 'chat'])).trim().split('\n');
    expect(lines.filter(line => !line.startsWith('tidegauge: '))).toEqual([
      'firing to chat: delivered after 1 attempt',
      'resolved to chat: delivered after 1 attempt',
    ]);
    expect(lines.filter(line => line.startsWith('tidegauge: '))).toEqual([
      expect.stringMatching(/waiting up to 30s until chat has accepted .* held for 2s \(alert\.group_wait\)/),
    ]);
    expect(hook.bodies.map(({ status, text }) => [status, text])).toEqual([
      ['firing', expect.stringContaining('test message of tidegauge, nothing happened')],
      ['resolved', expect.stringContaining('test message of tidegauge, nothing happened')],
    ]);
  });

  it('a test that is not accepted says why while it waits', async () => {
    await hook.stop();
    await deliver();
    const text = await said(['notify', 'test', 'chat', '--wait', '5s'], 1);
    expect(text).toMatch(
      /^tidegauge: firing to chat: pending after \d+ attempts?, last error: .*ECONNREFUSED/m,
    );
    expect(text).toContain('the test was not accepted within 5s');
  });
});
