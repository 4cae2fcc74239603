import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { RedisServers } from '../../../core/config/redis.ts';
import { Child, freePort, temporaryFolder, until } from '../process.ts';
import { ping, type RedisServer, startRedis } from './server.ts';

const MASTER = 'mymaster';
const SENTINELS = 3;
/** A master that is silent for this long is down, ms: production waits longer. */
const DOWN_AFTER_MS = 2000;

/** A real master with a replica, and three real sentinels that watch them, all on loopback. */
export interface SentinelSetup {
  readonly servers: RedisServers;
  /** Those that are the first master and the first replica. */
  readonly first: RedisServer;
  readonly second: RedisServer;
  readonly nodes: readonly RedisServer[];
  /** Addresses of the sentinels. */
  readonly addresses: readonly string[];
  /** Whom the sentinels name as the master. */
  master(): Promise<RedisServer>;
  /** Demote the master, as an administrator does: it goes on as a replica. */
  demote(): Promise<void>;
  stop(): Promise<void>;
}

/** `password`: what the sentinels ask for, of each other too. */
export async function startSentinels(
  options: { password?: string; appendOnly?: boolean } = {},
): Promise<SentinelSetup> {
  const { password, appendOnly = true } = options;
  const lines =
    password === undefined ? [] : [`requirepass ${password}`, `sentinel sentinel-pass ${password}`];
  const first = await startRedis({ appendOnly });
  const second = await startRedis({ appendOnly, replicaOf: first.port });
  const replica = new Redis(second.url);
  await until('the replica', async () => /master_link_status:up/.test(await replica.info()));
  replica.disconnect();
  const sentinels: Awaited<ReturnType<typeof startSentinel>>[] = [];
  for (let n = 0; n < SENTINELS; n++) sentinels.push(await startSentinel(first.port, lines));
  const [asked] = sentinels;
  if (!asked) throw new Error('three were made');
  const access = password === undefined ? {} : { password };
  const admin = new Redis({ port: asked.port, host: '127.0.0.1', enableReadyCheck: false, ...access });
  admin.on('error', () => {});
  const call = (...words: [string, ...string[]]) => admin.call('SENTINEL', ...words);
  await until('the sentinels to agree', async () => {
    const [quorum, replicas] = await Promise.all([
      call('CKQUORUM', MASTER).catch(String),
      call('REPLICAS', MASTER),
    ]);
    const counted = new RegExp(`^OK ${SENTINELS} usable`).test(String(quorum));
    return counted && Array.isArray(replicas) && replicas.length === 1;
  });
  const addresses = sentinels.map(({ port }) => `redis://127.0.0.1:${port}`);
  return {
    servers: { url: `redis://${MASTER}`, sentinels: addresses },
    first,
    second,
    nodes: [first, second],
    addresses,
    async master() {
      const [, port] = (await call('GET-MASTER-ADDR-BY-NAME', MASTER)) as [string, string];
      return Number(port) === first.port ? first : second;
    },
    async demote() {
      await until('a replica that can take over', () =>
        call('FAILOVER', MASTER).then(
          () => true,
          () => false,
        ),
      );
    },
    async stop() {
      admin.disconnect();
      for (const sentinel of sentinels) await sentinel.stop();
      for (const server of [first, second]) {
        // One that is demoted while it ends in order may not end.
        await server.child.stop('SIGKILL');
        await server.stop();
      }
    },
  };
}

async function startSentinel(master: number, lines: readonly string[]) {
  const port = await freePort();
  const folder = temporaryFolder();
  const file = join(folder.path, 'sentinel.conf');
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder.path}`,
    `sentinel monitor ${MASTER} 127.0.0.1 ${master} ${Math.ceil(SENTINELS / 2)}`,
    `sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${MASTER} 10000`,
    ...lines,
  ];
  writeFileSync(file, `${settings.join('\n')}\n`);
  const child = new Child('redis-sentinel', [file]);
  await child.until(`redis-sentinel on port ${port}`, () => ping(port));
  return {
    port,
    async stop() {
      await child.stop();
      folder.remove();
    },
  };
}
