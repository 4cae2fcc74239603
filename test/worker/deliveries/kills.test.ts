import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../core/clock.ts';
import { payloadSchema } from '../../../notify/payload.ts';
import type { State } from '../../../state/contract.ts';
import { createRedisState } from '../../../state/redis/state.ts';
import { createSqliteState } from '../../../state/sqlite/state.ts';
import { incidentOf, notificationOf } from '../../data/incidents.ts';
import { testServers } from '../../notify/fixture.ts';
import { recordingLog } from '../../parts/log.ts';
import { describeWith } from '../../parts/need.ts';
import { Child, temporaryFolder, until } from '../../parts/process.ts';
import { type RedisServer, startRedis } from '../../parts/redis/server.ts';

/** Where the process that delivers is killed, and how often its message is seen then. */
const BOUNDARIES = [
  ['before it has recorded what its message tells', 'before assignment', 1],
  ['when it has recorded that, before it sends', 'assigned', 1],
  ['when its message was accepted, before it has recorded that', 'sent', 2],
  ['when it has recorded that', 'recorded', 1],
] as const;

const INCIDENTS = [1, 2, 3].map(n => incidentOf(systemClock.now(), { container: `web-${n}` }));

/** `place`: as test/parts/children/deliverer.ts takes it. */
function describeKills(open: () => { readonly state: State; readonly place: string }): void {
  const { serve } = testServers();
  let state: State;
  let place: string;
  let child: Child | undefined;

  beforeEach(async () => {
    ({ state, place } = open());
    await state.open();
  });
  afterEach(async () => {
    await child?.stop('SIGKILL');
    await state.close();
  });

  const deliver = (...args: string[]) => {
    child = new Child(process.execPath, ['test/parts/children/deliverer.ts', place, ...args]);
    return child;
  };

  it.each(BOUNDARIES)(
    '%s: nobody is missing, and nobody is told of twice',
    async (_, boundary, times) => {
      const { url, seen } = await serve(response => response.end());
      const lane = await state.acquire('lane-0', 'test', 600_000);
      if (!lane) throw new Error('a free lane was refused');
      const notifications = INCIDENTS.map(one => notificationOf(one, 'chat'));
      await state.commit(lane, { incidents: INCIDENTS, notifications });
      const killed = deliver(url, boundary);
      await killed.exited;
      expect([killed.process.signalCode, killed.output]).toEqual(['SIGKILL', 'delivering\n']);
      const next = deliver(url);
      await next.until(
        'all to be recorded',
        async () => (await state.deliveries('delivered', 10)).length === 3,
      );
      const messages = seen.map(({ body }) => payloadSchema.parse(JSON.parse(body)));
      expect(messages).toHaveLength(times);
      // One message, under one key.
      expect(new Set(seen.map(({ headers, body }) => `${headers['webhook-id']} ${body}`)).size).toBe(1);
      expect(messages[0]?.incidents.map(({ incident }) => incident.container).sort()).toEqual(
        INCIDENTS.map(({ container }) => container),
      );
      await until('nothing to wait', async () => (await state.deliveries('grouped', 10)).length === 0);
      expect(await state.deliveries('pending', 10)).toEqual([]);
    },
    120_000,
  );
}

describe('a process that delivers groups is killed, embedded', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  let runs = 0;
  describeKills(() => {
    const place = join(folder.path, `${++runs}.db`);
    return { place, state: createSqliteState({ file: place, clock: systemClock }) };
  });
});

describeWith(['redis'], 'a process that delivers groups is killed, in Redis', () => {
  let redis: RedisServer;
  let runs = 0;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  describeKills(() => {
    const prefix = `run-${++runs}`;
    const { log } = recordingLog();
    const state = createRedisState({ url: redis.url, prefix, clock: systemClock, log });
    return { place: `${redis.url} ${prefix}`, state };
  });
});
