import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Notification } from '../../../core/incident/incident.ts';
import type { Lease, State } from '../../../state/contract.ts';
import { repeat } from '../../../worker/deliveries/repetition.ts';
import { incidentOf, notificationOf, resolved } from '../../data/incidents.ts';
import { ManualClock } from '../../parts/clock.ts';
import { recordingLog } from '../../parts/log.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { LIMITS, openFiles } from '../fixture.ts';

describe('what is told again', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: ManualClock;
  let state: State;
  let lane: Lease;

  beforeEach(async () => {
    folder = temporaryFolder();
    clock = new ManualClock();
    state = openFiles(folder.path, clock).state;
    await state.open();
    lane = (await state.acquire('lane-0', 'me', 1e9)) as Lease;
  });
  afterEach(async () => {
    await state.close();
    folder.remove();
  });

  it('is what fires now and was accepted, as it stands now', async () => {
    const start = clock.now() - 60_000;
    const [told, waiting, silenced, over] = [1, 2, 3, 4].map(n => incidentOf(start + n));
    if (!told || !waiting || !silenced || !over) throw new Error('four were made');
    const all = [told, waiting, silenced, over];
    const notifications = all.map(incident => notificationOf(incident, 'am'));
    await state.commit(lane, { incidents: all, notifications });
    const done = { attempts: 1, nextAttempt: 0, lastError: null };
    for (const [i, status] of [
      [0, 'delivered'],
      [2, 'held'],
      [3, 'delivered'],
    ] as const)
      await state.updateDelivery(lane, notifications[i]?.key ?? '', { ...done, status });
    const grown = { ...told, end: told.end + 30_000, severity: 'critical' as const };
    await state.commit(lane, { incidents: [grown, resolved(over, 30_000)], notifications: [] });

    const sent: (readonly Notification[])[] = [];
    const repetition = {
      everyMs: 1,
      send: async (each: readonly Notification[]) => {
        sent.push(each);
        return { kind: 'accepted' } as const;
      },
    };
    const deliver = async () => ({ kind: 'accepted' }) as const;
    const receiver = { name: 'am', address: 'test', limits: LIMITS, deliver, repetition };
    const { log } = recordingLog();
    await repeat(receiver, repetition, { state, clock, log, signal: new AbortController().signal });
    expect(sent).toEqual([[{ ...notifications[0], incident: grown }]]);
  });
});
