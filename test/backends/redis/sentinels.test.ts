import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeWith } from '../../parts/need.ts';
import { playFailover } from '../../parts/redis/pipeline.ts';
import { type SentinelSetup, startSentinels } from '../../parts/redis/sentinel.ts';
import type { RedisServer } from '../../parts/redis/server.ts';

describeWith(['redis', 'redis-sentinel'], 'a failover by sentinels', () => {
  let redis: SentinelSetup;
  beforeEach(async () => {
    redis = await startSentinels();
  });
  afterEach(() => redis.stop());

  it.each([
    ['was killed', (master: RedisServer) => master.child.stop('SIGKILL')],
    ['was demoted, and goes on as a replica', () => redis.demote()],
    ['hangs, without a word', async (master: RedisServer) => void master.child.process.kill('SIGSTOP')],
  ])('from a master that %s: every alert comes, once, and no frame is lost', async (_, end) => {
    const { found, expected } = await playFailover(redis.servers, async () => {
      const master = await redis.master();
      await end(master);
      return async () => (await redis.master()) !== master;
    });
    expect(found).toEqual(expected);
  });
});
