import { Redis } from 'ioredis';
import type { RedisServers } from '../../../core/config/redis.ts';
import { freePort, until } from '../process.ts';
import { type RedisServer, startRedis } from './server.ts';

const MASTERS = 3;
const SLOTS = 16_384;
/** A node that is silent for this long is down, ms: production waits longer. */
const NODE_TIMEOUT_MS = 2000;

/** A real Redis Cluster on loopback: three masters, each with a replica where that is asked for. */
export interface RedisCluster {
  readonly servers: RedisServers;
  /** Masters first, as they were at the start. */
  readonly nodes: readonly RedisServer[];
  /** The master that holds the keys of a prefix, as the first of these nodes sees it. */
  holderOf(prefix: string, seenBy?: readonly RedisServer[]): Promise<RedisServer>;
  /** True when these nodes say that all keys are served. */
  isWhole(seenBy: readonly RedisServer[]): Promise<boolean>;
  stop(): Promise<void>;
}

interface Node {
  readonly server: RedisServer;
  /** Port of the bus. */
  readonly bus: number;
  readonly admin: Redis;
}

/** One command of CLUSTER. */
type Words = [string, ...string[]];

export async function startCluster(
  options: { replicas?: boolean; appendOnly?: boolean } = {},
): Promise<RedisCluster> {
  const { replicas = false, appendOnly = true } = options;
  const nodes: Node[] = [];
  for (let n = 0; n < (replicas ? 2 * MASTERS : MASTERS); n++) nodes.push(await startNode(appendOnly));
  const [first, ...others] = nodes;
  if (!first) throw new Error('three were made');
  await shareSlots(nodes.slice(0, MASTERS));
  for (const { server, bus } of others)
    await ask(first, 'MEET', '127.0.0.1', String(server.port), String(bus));
  await until('the nodes to know each other', () => areJoined(nodes));
  for (const [n, node] of nodes.slice(MASTERS).entries())
    await ask(node, 'REPLICATE', String(await ask(nodes[n] as Node, 'MYID')));
  await until('the replicas', () => haveReplicas(nodes));
  return {
    servers: { url: first.server.url, cluster: others.map(({ server }) => server.url) },
    nodes: nodes.map(({ server }) => server),
    holderOf: (prefix, [witness = first.server] = []) => holderOf(nodes, prefix, witness),
    isWhole: async seenBy => {
      const asked = nodes.filter(({ server }) => seenBy.includes(server));
      const infos = await Promise.all(asked.map(node => ask(node, 'INFO').catch(String)));
      return infos.every(info => String(info).includes('cluster_state:ok'));
    },
    async stop() {
      for (const { admin, server } of nodes) {
        admin.disconnect();
        // One that is demoted while it ends in order may not end.
        await server.child.stop('SIGKILL');
        await server.stop();
      }
    },
  };
}

async function startNode(appendOnly: boolean): Promise<Node> {
  // Of its own choice it would be one that the kernel hands out.
  const bus = await freePort();
  const timeouts = [
    '--cluster-node-timeout',
    String(NODE_TIMEOUT_MS),
    '--cluster-replica-validity-factor',
    '0',
  ];
  const more = ['--cluster-enabled', 'yes', '--cluster-port', String(bus), ...timeouts];
  const server = await startRedis({ appendOnly, more });
  const admin = new Redis(server.url, { enableOfflineQueue: true, maxRetriesPerRequest: 0 });
  admin.on('error', () => {});
  return { server, bus, admin };
}

const ask = ({ admin }: Node, ...words: Words): Promise<unknown> => admin.call('CLUSTER', ...words);

async function shareSlots(masters: readonly Node[]): Promise<void> {
  const bound = (n: number) => Math.ceil((n * SLOTS) / masters.length);
  for (const [n, node] of masters.entries()) {
    await ask(node, 'ADDSLOTSRANGE', String(bound(n)), String(bound(n + 1) - 1));
    await ask(node, 'SET-CONFIG-EPOCH', String(n + 1));
  }
}

async function areJoined(nodes: readonly Node[]): Promise<boolean> {
  const infos = await Promise.all(nodes.map(node => ask(node, 'INFO')));
  const isJoined = (info: string) =>
    info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes.length}`);
  return infos.every(info => isJoined(String(info)));
}

/** True when each replica is in step, and every node knows of it. */
async function haveReplicas(nodes: readonly Node[]): Promise<boolean> {
  const replicas = nodes.slice(MASTERS);
  const links = await Promise.all(replicas.map(({ admin }) => admin.info('replication')));
  const views = await Promise.all(nodes.map(node => ask(node, 'NODES')));
  return (
    links.every(link => link.includes('master_link_status:up')) &&
    views.every(view => (String(view).match(/ (myself,)?slave /g) ?? []).length === replicas.length)
  );
}

async function holderOf(nodes: readonly Node[], prefix: string, witness: RedisServer): Promise<RedisServer> {
  const asked = nodes.find(({ server }) => server === witness) as Node;
  const slot = Number(await ask(asked, 'KEYSLOT', prefix));
  const ranges = (await ask(asked, 'SLOTS')) as [number, number, [string, number]][];
  const range = ranges.find(([from, to]) => from <= slot && slot <= to);
  const holder = nodes.find(({ server }) => server.port === range?.[2][1]);
  if (!holder) throw new Error(`nobody holds {${prefix}}`);
  return holder.server;
}
