import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createRouter, NO_GROUPING } from '../../../alert/policy/router.ts';
import { systemClock } from '../../../core/clock.ts';
import { alertmanager } from '../../../notify/alertmanager.ts';
import { payloadSchema } from '../../../notify/payload.ts';
import { webhook } from '../../../notify/webhook.ts';
import type { State } from '../../../state/contract.ts';
import { createRedisState } from '../../../state/redis/state.ts';
import { Deliverer } from '../../../worker/deliveries/deliver.ts';
import { type AlertmanagerServer, startAlertmanager } from '../../notify/alertmanager-server.ts';
import { testServers } from '../../notify/fixture.ts';
import { recordingLog } from '../../parts/log.ts';
import { describeWith } from '../../parts/need.ts';
import { until } from '../../parts/process.ts';
import { type RedisServer, startRedis } from '../../parts/redis/server.ts';
import { take } from '../../state/states.ts';
import { limitFold, webFrame } from '../fixture.ts';

const LEASE_MS = 600_000;
/** Out of order three times, then silent, then well. */
const TROUBLE = [503, 503, 503, 'silent'] as const;

describeWith(['redis', 'alertmanager'], 'from frames to receivers, in real time', () => {
  const { serve } = testServers();
  let redis: RedisServer;
  let watched: AlertmanagerServer;
  let state: State;
  let deliverer: Deliverer | undefined;

  beforeAll(async () => {
    redis = await startRedis();
    watched = await startAlertmanager();
    const { log } = recordingLog();
    state = createRedisState({ url: redis.url, prefix: 'acceptance', clock: systemClock, log });
    await state.open();
  });
  afterEach(() => deliverer?.stop());
  afterAll(async () => {
    await state.close();
    await watched.stop();
    await redis.stop();
  });

  /** A webhook in trouble, with the status or the silence that it met each request with. */
  async function troubled() {
    const met: (number | 'silent')[] = [];
    const answer = (response: ServerResponse) => {
      const next = TROUBLE[met.length] ?? 204;
      met.push(next);
      if (next !== 'silent') response.writeHead(next).end();
    };
    return { met, ...(await serve(answer)) };
  }

  async function deliverTo(url: string): Promise<void> {
    deliverer = new Deliverer(await take(state, 'policy', 'me', LEASE_MS), {
      ...{ state, clock: systemClock, log: recordingLog().log, leaseMs: LEASE_MS, unrecorded: new Map() },
      receivers: [
        webhook.create('chat', webhook.options.parse({ url, timeout: '1s' }), systemClock),
        alertmanager.create('am', alertmanager.options.parse({ urls: [watched.url] }), systemClock),
      ],
      policy: { router: createRouter(NO_GROUPING, ['chat', 'am']), inhibitorOf: null },
    });
    deliverer.start();
  }

  it('a receiver that fails three times, hangs once, then accepts has each state once, as Alertmanager has', async () => {
    const chat = await troubled();
    await deliverTo(chat.url);
    const lane = await take(state, 'lane-0', 'me', LEASE_MS);
    const fold = limitFold(1_000_000, ['chat', 'am']);
    let folded = fold.init();
    /** Fold frames with these rates, bytes per second, and commit what came of them. */
    const play = async (from: number, rates: readonly number[]) => {
      for (const [n, rate] of rates.entries()) {
        const step = fold.step(folded, webFrame(from + n, rate));
        folded = step.state;
        await state.commit(lane, step);
      }
    };
    const delivered = async () =>
      (await state.deliveries('delivered', 10)).map(({ notification: { key } }) => key).sort();

    await play(0, [100_000, 2_000_000]);
    const [id = ''] = fold.openIncidents(folded);
    await until('an alert', async () => (await watched.active(id)).length === 1);
    await until('the webhook to accept', async () => (await delivered()).length === 2);
    expect(chat.met).toEqual([...TROUBLE, 204]);

    await play(2, [100_000, 100_000]);
    await until('the end everywhere', async () => (await delivered()).length === 4);
    expect(await watched.active(id)).toEqual([]);
    const states = ['firing', 'resolved'];
    expect(await delivered()).toEqual(
      ['am', 'chat'].flatMap(name => states.map(one => `${id}-${name}-${one}`)),
    );
    // The attempts at one state have one key: a receiver that took the one which it did not answer knows it again.
    const heard = chat.seen.map(({ headers, body }) => {
      const { status } = payloadSchema.parse(JSON.parse(body));
      return `${status} ${headers['webhook-id']}`;
    });
    expect(chat.met).toEqual([...TROUBLE, 204, 204]);
    expect(heard.map(text => text.split(' ')[0])).toEqual([...Array(5).fill('firing'), 'resolved']);
    expect(new Set(heard).size).toBe(2);
  });
});
