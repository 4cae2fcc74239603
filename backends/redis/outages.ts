import { Cluster } from 'ioredis';
import type { Log } from '../../core/log.ts';
import type { Client } from './client.ts';
import { isUnsent, redisError } from './errors.ts';

/** Most nodes that are remembered; no cluster has more at a time, but over the months it may have had. */
const MOST_NODES = 1000;

/**
 * One line when Redis is lost and one when it is back, however many attempts lie between. Of a cluster the same for each
 * node that is in use.
 */
export function logOutages(client: Client, place: string, log: Log): void {
  const whole = outage({ place }, 'Redis', log);
  client.on('error', (error: unknown) => whole.lost(error));
  client.on('ready', () => whole.found());
  if (!(client instanceof Cluster)) return;
  const nodes = new Map<string, Outage>();
  const nodeOf = (node: string): Outage => {
    const known = nodes.get(node) ?? outage({ place, node }, 'a node of the Redis Cluster', log);
    if (nodes.size >= MOST_NODES) nodes.clear();
    nodes.set(node, known);
    return known;
  };
  client.on('node error', (error: unknown, node: string) => nodeOf(node).lost(error));
  client.on('+node', node => {
    node.on('ready', () => nodeOf(`${node.options.host}:${node.options.port}`).found());
  });
}

interface Outage {
  lost(error: unknown): void;
  found(): void;
}

function outage(where: { place: string; node?: string }, what: string, log: Log): Outage {
  let down = false;
  return {
    lost(error) {
      // What could not be sent says nothing new: the connection was lost before, or this client is being closed.
      if (isUnsent(error)) return;
      const { found } = redisError(error, where.place).problem;
      if (!down) log.warn({ ...where, error: found }, `lost contact with ${what}; trying again`);
      down = true;
    },
    found() {
      if (down) log.info(where, `in contact with ${what} again`);
      down = false;
    },
  };
}
