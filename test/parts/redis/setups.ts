import type { RedisServers } from '../../../core/config/redis.ts';
import type { Part } from '../need.ts';
import { startCluster } from './cluster.ts';
import { startSentinels } from './sentinel.ts';
import { type RedisServer, startRedis } from './server.ts';

/** A Redis in one of the ways that people run it. */
export interface RedisSetup {
  readonly servers: RedisServers;
  /** All that hold data. */
  readonly nodes: readonly RedisServer[];
  stop(): Promise<void>;
}

interface Row {
  readonly name: string;
  readonly parts: readonly Part[];
  start(): Promise<RedisSetup>;
}

/** Whatever is promised of Redis holds for each of these. */
export const REDIS_SETUPS: readonly Row[] = [
  {
    name: 'Redis',
    parts: ['redis'],
    async start() {
      const server = await startRedis();
      return { servers: { url: server.url }, nodes: [server], stop: () => server.stop() };
    },
  },
  { name: 'Redis by sentinels', parts: ['redis', 'redis-sentinel'], start: () => startSentinels() },
  { name: 'Redis Cluster', parts: ['redis'], start: () => startCluster() },
];
