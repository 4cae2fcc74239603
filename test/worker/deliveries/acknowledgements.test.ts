import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createInhibition } from '../../../alert/policy/inhibit.ts';
import { createRouter, NO_GROUPING } from '../../../alert/policy/router.ts';
import type { Incident } from '../../../core/incident/incident.ts';
import { pagerduty } from '../../../notify/pagerduty.ts';
import type { Lease, State } from '../../../state/contract.ts';
import { Deliverer } from '../../../worker/deliveries/deliver.ts';
import { ackOf, incidentOf, notificationOf, resolved } from '../../data/incidents.ts';
import { testServers } from '../../notify/fixture.ts';
import { pagerDutySchema } from '../../notify/schemas.ts';
import { ManualClock } from '../../parts/clock.ts';
import { recordingLog } from '../../parts/log.ts';
import { temporaryFolder, until } from '../../parts/process.ts';
import { openFiles } from '../fixture.ts';

/** Time-outs never end: nothing here waits for one. */
describe('who acknowledges an incident, in PagerDuty', () => {
  const { serve } = testServers();
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: ManualClock;
  let state: State;
  let lane: Lease;
  let deliverer: Deliverer;
  let status: number;
  let seen: Awaited<ReturnType<typeof serve>>['seen'];

  beforeEach(async () => {
    folder = temporaryFolder();
    clock = new ManualClock();
    state = openFiles(folder.path, clock).state;
    await state.open();
    lane = (await state.acquire('lane-0', 'me', 1e12)) as Lease;
    status = 202;
    const server = await serve(response => response.writeHead(status).end('{}'));
    ({ seen } = server);
    const options = pagerduty.options.parse({ url: server.url, integration_token: 'a'.repeat(32) });
    const policy = (await state.acquire('policy', 'me', 1e12)) as Lease;
    deliverer = new Deliverer(policy, {
      ...{ state, clock, log: recordingLog().log, leaseMs: 1e12, unrecorded: new Map(), random: () => 0.5 },
      receivers: [pagerduty.create('pager', options, clock)],
      policy: { router: createRouter(NO_GROUPING, ['pager']), inhibitorOf: createInhibition([]) },
    });
    deliverer.start();
  });
  afterEach(async () => {
    await deliverer.stop();
    await state.close();
    folder.remove();
  });

  const raise = (incident: Incident) =>
    state.commit(lane, { incidents: [incident], notifications: [notificationOf(incident, 'pager')] });
  const accepted = () =>
    seen
      .map(({ body }) => pagerDutySchema.parse(JSON.parse(body)))
      .map(one => [one.event_action, one.dedup_key]);
  const steps = (what: string, done: () => boolean | Promise<boolean>) =>
    until(what, async () => {
      clock.advance(250);
      return done();
    });
  const rounds = async (ms: number) => {
    const end = clock.now() + ms;
    await steps('some time', () => clock.now() >= end);
  };

  it('has acknowledged it there, once, also when a silence keeps everything back', async () => {
    const one = incidentOf(clock.now());
    await raise(one);
    await steps('the alarm', () => seen.length === 1);
    const silence = {
      ...{ id: '0000000a', match: { host: '*', service: '*', container: '*' }, owner: 'anna', reason: '' },
      ...{ from: clock.now(), until: clock.now() + 3_600_000 },
    };
    await state.saveSilence(silence, clock.now());
    await state.saveAck(ackOf(one));
    await steps('the acknowledgement', () => seen.length === 2);
    await rounds(30_000);
    expect(accepted()).toEqual([
      ['trigger', one.id],
      ['acknowledge', one.id],
    ]);
  });

  it('has done so when PagerDuty has the incident, not before', async () => {
    status = 503;
    const one = incidentOf(clock.now());
    await raise(one);
    await state.saveAck(ackOf(one));
    await steps('attempts', () => seen.length >= 2);
    expect(new Set(accepted().map(([what]) => what))).toEqual(new Set(['trigger']));
    status = 202;
    await steps('the acknowledgement', () => accepted().at(-1)?.[0] === 'acknowledge');
  });

  it('of what is over, became worse, or was taken back says nothing', async () => {
    const [over, worse, undone] = [1, 2, 3].map(n => incidentOf(clock.now() + n));
    if (!over || !worse || !undone) throw new Error('three were made');
    for (const each of [over, worse, undone]) await raise(each);
    await steps('the alarms', () => seen.length === 3);
    await state.commit(lane, {
      incidents: [resolved(over), { ...worse, severity: 'critical' }],
      notifications: [],
    });
    for (const each of [over, worse]) await state.saveAck(ackOf(each));
    await state.saveAck(ackOf(undone, { undone: { by: 'bert', at: clock.now() } }));
    await rounds(30_000);
    expect(accepted().map(([what]) => what)).toEqual(['trigger', 'trigger', 'trigger']);
  });
});
