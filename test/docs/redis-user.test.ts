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
import { type RedisServer, startRedis } from '../parts/redis.ts';

const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const [, line = ''] = /<!-- redis user -->\s*```\nuser (.*?)\n```/s.exec(page) ?? [];
const [name = '', ...rights] = line.split(' ');

describeWith(['redis'], 'the Redis user of docs/operations.md', () => {
  let redis: RedisServer;
  let admin: Redis;
  let url: string;

  beforeAll(async () => {
    redis = await startRedis();
    admin = new Redis(redis.url);
    await admin.call('ACL', 'SETUSER', name, ...rights);
    url = redis.url.replace('//', `//${name}:PASSWORD@`);
  });
  afterAll(async () => {
    admin.disconnect();
    await redis.stop();
  });

  it('may do all that queue and state ask for', async () => {
    const log = recordingLog();
    const shared = { url, prefix: 'tidegauge', clock: systemClock, log: log.log };
    const queue = createBullmqQueue({ ...shared, lanes: 1 });
    const state = createRedisState(shared);
    try {
      await queue.open();
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
    expect(await admin.call('ACL', 'LOG')).toEqual([]);
    expect(log.lines).toEqual([]);
  });

  it('may touch no key of anybody else, and change no setting of the server', async () => {
    const client = new Redis(url);
    try {
      await expect(client.get('other')).rejects.toThrow(/NOPERM/);
      await expect(client.call('CONFIG', 'SET', 'maxmemory', '1')).rejects.toThrow(/NOPERM/);
    } finally {
      client.disconnect();
    }
  });
});
