import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Clock } from '../../core/clock.ts';
import { ExchangeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { isSetupError, redisError } from './errors.ts';

/** Oldest Redis whose commands suffice. */
const OLDEST: readonly [number, number] = [6, 2];

/** Longest wait for the first connection, milliseconds. */
const READY_MS = 5000;

export interface CheckOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** First part of every key, without braces. */
  readonly prefix: string;
  /** What was warned of already: of a server that is queue and state one hears once. */
  readonly warned?: Set<string>;
}

/**
 * Wait until the client is connected, check the server's version, and warn of settings that lose data.
 * Returns `Redis 7.0.15 at PLACE`. Rejects with an ExchangeError: at once when refused, after 5 s when
 * nobody answers.
 */
export async function checkServer(client: Redis, place: string, options: CheckOptions): Promise<string> {
  const { log, clock, prefix, warned = new Set() } = options;
  await ready(client, place, clock);
  const refused = (error: unknown) => {
    throw openError(error, place);
  };
  const info = await client.info().catch(refused);
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const valkey = field('valkey_version');
  const version = valkey ?? field('redis_version') ?? 'unknown';
  const product = valkey === undefined ? 'Redis' : 'Valkey';
  requireVersion(version, product, place);
  await tryRights(client, prefix).catch(refused);
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
  return `${product} ${version} at ${place}`;
}

/**
 * What queue and state do, tried on a key of their own: a user who may not do it would be found out only by the first
 * frame, and would be waited for.
 */
async function tryRights(client: Redis, prefix: string): Promise<void> {
  const key = `{${prefix}}:rights:${randomUUID()}`;
  await client.eval(RIGHTS, 1, key);
  await client.bzpopmin(key, 0.01);
}

const RIGHTS = `
    redis.call('INFO', 'server')
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
async function ready(client: Redis, place: string, clock: Clock): Promise<void> {
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
  await clock.sleep(READY_MS, end.signal);
  client.off('ready', onReady);
  client.off('error', onError);
  client.off('close', onClose);
  if (!connected) throw last;
}

/** While opening, a wrong set-up is final. */
function openError(error: unknown, place: string): ExchangeError {
  const failure = redisError(error, place);
  return isSetupError(error) ? new ExchangeError(failure.problem, { retry: false, cause: error }) : failure;
}
