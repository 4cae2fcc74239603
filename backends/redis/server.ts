import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { Cluster } from 'ioredis';
import type { Clock } from '../../core/clock.ts';
import type { RedisServers } from '../../core/config/redis.ts';
import { ExchangeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { placeOf } from './addresses.ts';
import type { Client } from './client.ts';
import { openError, redisError } from './errors.ts';
import { explain } from './explain.ts';

/** Oldest Redis whose commands suffice. */
const OLDEST: readonly [number, number] = [6, 2];

/** Longest wait for the first connection, milliseconds. */
const READY_MS = 5000;

export interface CheckOptions extends RedisServers {
  readonly log: Log;
  readonly clock: Clock;
  /** First part of every key, without braces. */
  readonly prefix: string;
  /** What was warned of already: of a server that is queue and state one hears once. */
  readonly warned?: Set<string>;
}

/**
 * Wait until the client is connected, check the server's version, and warn of settings that lose data. Of a cluster it
 * is the node that holds the keys of `prefix`.
 * Returns `Redis 7.0.15 at PLACE`. Rejects with an ExchangeError: at once when refused, after some 5 s when
 * nobody answers.
 */
export async function checkServer(client: Client, options: CheckOptions): Promise<string> {
  const { prefix } = options;
  const place = placeOf(options);
  await ready(client, place, options);
  const key = `{${prefix}}:rights:${randomUUID()}`;
  const refused = (error: unknown) => {
    throw openError(error, place);
  };
  const info = String(await client.eval(INFO, 1, key).catch(refused));
  const field: Field = name => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const valkey = field('valkey_version');
  const version = valkey ?? field('redis_version') ?? 'unknown';
  const product = valkey === undefined ? 'Redis' : 'Valkey';
  requireVersion(version, product, place);
  await tryRights(client, key).catch(refused);
  warnOfSettings(field, place, options);
  return `${product} ${version} at ${place}${membersOf(client, options)}`;
}

/** A field of what INFO answers. */
type Field = (name: string) => string | undefined;

function warnOfSettings(field: Field, place: string, options: CheckOptions): void {
  const { log, warned = new Set(), sentinels = [], cluster = [] } = options;
  const warn = (facts: object, message: string) => {
    const key = `${place} ${message}`;
    if (!warned.has(key)) log.warn({ place, ...facts }, message);
    warned.add(key);
  };
  const policy = field('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    warn({ policy }, 'Redis may evict keys of tidegauge; set maxmemory-policy to noeviction');
  }
  if (field('aof_enabled') === '0') {
    warn({}, 'Redis forgets what it holds when it crashes; set appendonly to yes');
  }
  if (sentinels.length + cluster.length > 0 && field('connected_slaves') === '0') {
    warn({}, 'no replica of this Redis is connected: nobody can take over from it');
  }
  if (cluster.length === 0 && field('cluster_enabled') === '1') {
    warn(
      {},
      'this Redis is a node of a cluster; name more nodes in redis.cluster, so that a failover is followed',
    );
  }
}

/** Who stands behind the place at the moment. */
function membersOf(client: Client, { sentinels = [] }: RedisServers): string {
  if (client instanceof Cluster) {
    const [masters, replicas] = [client.nodes('master').length, client.nodes('slave').length];
    return `, ${counted(masters, 'master')} and ${counted(replicas, 'replica')}`;
  }
  if (sentinels.length === 0) return '';
  const { remoteAddress, remotePort } = client.stream as Partial<Socket>;
  return `, now ${remoteAddress}:${remotePort}`;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** In a script, which a cluster gives to the node that holds the key. */
const INFO = `return redis.call('INFO')`;

/**
 * What queue and state do, tried on a key of their own: a user who may not do it would be found out only by the first
 * frame, and would be waited for.
 */
async function tryRights(client: Client, key: string): Promise<void> {
  await client.eval(RIGHTS, 1, key);
  await client.bzpopmin(key, 0.01);
}

const RIGHTS = `
    redis.call('HSET', KEYS[1], 'field', 'value')
    redis.call('DEL', KEYS[1])
    redis.call('XADD', KEYS[1], '*', 'field', 'value')
    redis.call('DEL', KEYS[1])
    redis.call('ZADD', KEYS[1], 1, 'member')
    redis.call('PEXPIRE', KEYS[1], 60000)
    return redis.call('DEL', KEYS[1])`;

function requireVersion(version: string, product: string, place: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new ExchangeError(
    {
      place,
      expected: `Redis ${OLDEST.join('.')} or newer`,
      found: `${product} ${version}`,
      remedy: 'Upgrade it.',
    },
    { retry: false },
  );
}

/** A connection that is ended by the other side without a word, as servers do that expect TLS. */
const HUNG_UP = Object.assign(new Error('the connection is closed by the other side'), {
  code: 'ECONNRESET',
});

/** Resolves when the client may send; rejects with why not: at once when refused, otherwise after `READY_MS`. */
async function ready(client: Client, place: string, options: CheckOptions): Promise<void> {
  if (client.status === 'ready') return;
  let connected = false;
  let last = redisError(new Error(`no connection within ${READY_MS} ms`), place);
  const end = new AbortController();
  const onReady = () => {
    connected = true;
    end.abort();
  };
  let isTold = false;
  const onError = (error: unknown) => {
    isTold = true;
    last = openError(error, place);
    if (!last.retry) end.abort();
  };
  const onClose = () => {
    if (!isTold) last = openError(HUNG_UP, place);
  };
  client.once('ready', onReady);
  client.on('error', onError);
  client.on('close', onClose);
  await options.clock.sleep(READY_MS, end.signal);
  client.off('ready', onReady);
  client.off('error', onError);
  client.off('close', onClose);
  if (connected) return;
  throw (await explain(options)) ?? last;
}
