import { afterEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { describeWith } from '../../parts/need.ts';
import { until } from '../../parts/process.ts';
import { type RedisCluster, startCluster } from '../../parts/redis/cluster.ts';
import { playFailover } from '../../parts/redis/pipeline.ts';
import type { RedisServer } from '../../parts/redis/server.ts';

/** The prefix that is the default. */
const PREFIX = 'tidegauge';

describeWith(['redis'], 'in a Redis Cluster', () => {
  let cluster: RedisCluster;
  afterEach(() => cluster.stop());

  const replicaOf = async (master: RedisServer): Promise<RedisServer> => {
    for (const node of cluster.nodes) {
      const client = new Redis(node.url);
      const info = await client.info('replication');
      client.disconnect();
      if (info.includes(`master_port:${master.port}`)) return node;
    }
    throw new Error(`nobody is a replica of ${master.port}`);
  };

  it.each([
    ['was killed', async (master: RedisServer) => void (await master.child.stop('SIGKILL'))],
    [
      'was demoted, and goes on as a replica',
      async (master: RedisServer) => {
        const client = new Redis((await replicaOf(master)).url);
        await client.call('CLUSTER', 'FAILOVER');
        client.disconnect();
      },
    ],
    ['hangs, without a word', async (master: RedisServer) => void master.child.process.kill('SIGSTOP')],
  ])(
    'a replica takes over from a node that %s: every alert comes, once, no frame is lost',
    async (_, end) => {
      cluster = await startCluster({ replicas: true });
      const { found, expected } = await playFailover(cluster.servers, async () => {
        const master = await cluster.holderOf(PREFIX);
        const others = cluster.nodes.filter(node => node !== master);
        await end(master);
        return async () => (await cluster.holderOf(PREFIX, others)) !== master;
      });
      expect(found).toEqual(expected);
    },
  );

  it('a node without a replica is killed and comes back: every alert comes, once, and no frame is lost', async () => {
    cluster = await startCluster();
    const { found, expected } = await playFailover(cluster.servers, async () => {
      const master = await cluster.holderOf(PREFIX);
      await master.child.stop('SIGKILL');
      const others = cluster.nodes.filter(node => node !== master);
      await until('the others to miss it', async () => !(await cluster.isWhole(others)));
      await master.restart();
      return () => cluster.isWhole(cluster.nodes);
    });
    expect(found).toEqual(expected);
  });
});
