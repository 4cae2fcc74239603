import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { systemClock } from '../../core/clock.ts';
import { createBullmqQueue } from '../../queue/bullmq.ts';
import { createRedisState } from '../../state/redis/state.ts';
import { frameOf } from '../data/frames.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { until } from '../parts/process.ts';
import { REDIS_SETUPS, type RedisSetup } from '../parts/redis/setups.ts';

const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const [, line = ''] = /<!-- redis user -->\s*```\nuser (.*?)\n```/s.exec(page) ?? [];
const [name = '', ...rights] = line.split(' ');

for (const setup of REDIS_SETUPS) {
  describeWith(setup.parts, `the user of docs/operations.md in ${setup.name}`, () => {
    let redis: RedisSetup;
    let admins: Redis[];
    const asUser = (url: string) => url.replace('//', `//${name}:PASSWORD@`);

    beforeAll(async () => {
      redis = await setup.start();
      admins = redis.nodes.map(({ url }) => new Redis(url));
      for (const admin of admins) await admin.call('ACL', 'SETUSER', name, ...rights);
    });
    afterAll(async () => {
      for (const admin of admins) admin.disconnect();
      await redis.stop();
    });

    it('may do all that queue and state ask for', async () => {
      const log = recordingLog();
      const servers = { ...redis.servers, url: asUser(redis.servers.url) };
      const shared = { ...servers, prefix: 'tidegauge', clock: systemClock, log: log.log };
      const queue = createBullmqQueue({ ...shared, lanes: 1 });
      const state = createRedisState(shared);
      try {
        await queue.open();
        await queue.tryWriting();
        await state.open();
        await state.agreeOnLanes(1);
        const lease = await state.acquire('lane-0', 'worker', 60_000);
        if (!lease) throw new Error('lane-0 is held by somebody else');
        await state.announce('worker', 60_000);
        const checkpoint = { host: 'web-1', last: 1, fingerprint: 'f', data: '{}' };
        expect(await state.saveCheckpoint(lease, checkpoint)).toBe(true);
        const taken: string[] = [];
        queue.consume(0, async frame => void taken.push(frame.host));
        await queue.publish(frameOf('web-1', 0));
        await until('the frame arrives', () => taken.length === 1);
      } finally {
        await queue.close();
        await state.close();
      }
      for (const admin of admins) expect(await admin.call('ACL', 'LOG')).toEqual([]);
      expect(log.lines.filter(({ message }) => !message.startsWith('no replica'))).toEqual([]);
    });

    it('may touch no key of anybody else, and change no setting of the server', async () => {
      const [node] = redis.nodes;
      const client = new Redis(asUser(node?.url ?? ''));
      try {
        await expect(client.get('other')).rejects.toThrow(/NOPERM/);
        await expect(client.call('CONFIG', 'SET', 'maxmemory', '1')).rejects.toThrow(/NOPERM/);
      } finally {
        client.disconnect();
      }
    });
  });
}
