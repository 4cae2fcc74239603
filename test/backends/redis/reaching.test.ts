import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { systemClock } from '../../../core/clock.ts';
import type { RedisServers } from '../../../core/config/redis.ts';
import type { ExchangeError } from '../../../core/errors.ts';
import { createRedisState } from '../../../state/redis/state.ts';
import { recordingLog } from '../../parts/log.ts';
import { describeWith } from '../../parts/need.ts';
import { type RedisCluster, startCluster } from '../../parts/redis/cluster.ts';
import { type SentinelSetup, startSentinels } from '../../parts/redis/sentinel.ts';
import { type RedisServer, startRedis } from '../../parts/redis/server.ts';

const NOBODY = 'redis://127.0.0.1:1';
const SECRET = 'hunter2';

/** What opening a state says, and warns of. */
async function open(servers: RedisServers, prefix = 'tidegauge') {
  const { log, lines } = recordingLog();
  const state = createRedisState({ ...servers, prefix, clock: systemClock, log });
  try {
    return { said: await state.open(), warned: lines.map(({ message }) => message) };
  } finally {
    await state.close();
  }
}

/** What opening is refused with. */
async function refusalOf(servers: RedisServers): Promise<ExchangeError> {
  const refusal = await open(servers).then(
    ({ said }) => Promise.reject(new Error(`was opened: ${said}`)),
    (error: ExchangeError) => error,
  );
  expect(refusal.message).not.toContain(SECRET);
  return refusal;
}

describeWith(['redis', 'redis-sentinel'], 'opening by sentinels', () => {
  let redis: SentinelSetup;
  beforeAll(async () => {
    redis = await startSentinels();
  });
  afterAll(() => redis.stop());

  it('says which master it found, though the first sentinel is away', async () => {
    const { said } = await open({ ...redis.servers, sentinels: [NOBODY, ...redis.addresses] });
    const { port } = await redis.master();
    expect(said).toMatch(/^Redis 7\.\S+ at redis:\/\/mymaster \(4 sentinels\), now 127\.0\.0\.1:\d+, prefix/);
    expect(said).toContain(`now 127.0.0.1:${port},`);
  });

  it('of which none is there is tried again, and names one with why', async () => {
    const refusal = await refusalOf({ url: 'redis://mymaster', sentinels: [NOBODY] });
    expect(refusal.retry).toBe(true);
    expect(refusal.problem).toMatchObject({ place: NOBODY, found: expect.stringContaining('ECONNREFUSED') });
    expect(refusal.problem.remedy).toBe('Check that the sentinel runs and can be reached.');
  });

  it.each([
    [
      'that know no master of that name',
      () => ({ ...redis.servers, url: 'redis://other' }),
      /expected sentinels that know the master other, found none that does\. .*`sentinel monitor`/,
    ],
    [
      'that are none',
      () => ({ url: 'redis://mymaster', sentinels: [redis.first.url] }),
      /unknown command .*It is a server: name sentinels in redis\.sentinels/,
    ],
    [
      'whose address is taken for that of a server',
      () => ({ url: redis.addresses[0] ?? '' }),
      /If it is a sentinel, put its address into redis\.sentinels/,
    ],
  ])('%s ends with what to write', async (_, servers, words) => {
    const refusal = await refusalOf(servers());
    expect(refusal.retry).toBe(false);
    expect(refusal.message).toMatch(words);
  });

  it('with a password of their own takes it from their addresses, and says so', async () => {
    const { log } = recordingLog();
    const guarded = await startSentinels({ password: SECRET });
    try {
      const refusal = await refusalOf(guarded.servers);
      expect(refusal.retry).toBe(false);
      expect(refusal.message).toMatch(/NOAUTH.*Put user and password into redis\.sentinels/);
      const known = guarded.addresses.map(address => address.replace('//', `//:${SECRET}@`));
      const state = createRedisState({
        ...{ url: guarded.servers.url, sentinels: known, prefix: 'tidegauge' },
        ...{ clock: systemClock, log },
      });
      expect(await state.open()).toMatch(/3 sentinels/);
      await state.close();
    } finally {
      await guarded.stop();
    }
  });
});

describeWith(['redis'], 'opening a Redis Cluster', () => {
  let cluster: RedisCluster;
  let single: RedisServer;
  beforeAll(async () => {
    [cluster, single] = [await startCluster(), await startRedis()];
  });
  afterAll(async () => {
    await cluster.stop();
    await single.stop();
  });

  it('says how many nodes it has, though the first that was named is away, and that nobody can take over', async () => {
    const { said, warned } = await open({ ...cluster.servers, url: NOBODY });
    expect(said).toMatch(
      / at redis:\/\/127\.0\.0\.1:1 \(cluster\), 3 masters and 0 replicas, prefix tidegauge$/,
    );
    expect(warned).toEqual(['no replica of this Redis is connected: nobody can take over from it']);
  });

  it('of which no node is there is tried again, and names one with why', async () => {
    const refusal = await refusalOf({ url: NOBODY, cluster: [NOBODY] });
    expect(refusal.retry).toBe(true);
    expect(refusal.problem).toMatchObject({ place: NOBODY, found: expect.stringContaining('ECONNREFUSED') });
  });

  it('that is none ends with what to leave out', async () => {
    const refusal = await refusalOf({ url: single.url, cluster: [single.url] });
    expect(refusal.retry).toBe(false);
    expect(refusal.message).toMatch(/cluster support disabled.*leave redis\.cluster out/);
  });

  it('with a wrong password ends with the setting', async () => {
    const users = cluster.nodes.map(({ url }) => new Redis(url));
    for (const user of users) await user.call('ACL', 'SETUSER', 'strict', 'reset', 'on', '>other');
    for (const user of users) user.disconnect();
    const inUrl = { url: cluster.servers.url.replace('//', `//strict:${SECRET}@`) };
    for (const access of [inUrl, { username: 'strict', password: SECRET }]) {
      const refusal = await refusalOf({ ...cluster.servers, ...access });
      expect(refusal.retry).toBe(false);
      expect(refusal.message).toMatch(/WRONGPASS.*Correct user and password in redis\.url/);
    }
  });

  it('as a single server, at a node that does not hold the keys, ends with where nodes are named', async () => {
    const holder = await cluster.holderOf('tidegauge');
    const other = cluster.nodes.find(node => node !== holder);
    const refusal = await refusalOf({ url: other?.url ?? '' });
    expect(refusal.retry).toBe(false);
    expect(refusal.message).toMatch(/MOVED.*name more of its nodes in redis\.cluster/);
  });

  it('as a single server, at the node that holds the keys, warns that no failover is followed', async () => {
    const holder = await cluster.holderOf('tidegauge');
    const { warned } = await open({ url: holder.url });
    expect(warned).toEqual([
      expect.stringMatching(/is a node of a cluster; name more nodes in redis\.cluster/),
    ]);
  });
});
