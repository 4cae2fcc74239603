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
  /** What was warned of already: of a server that is queue and state one hears once. */
  readonly warned?: Set<string>;
}

/**
 * Wait until the client is connected, check the server's version, and warn of settings that lose data.
 * Returns `Redis 7.0.15 at PLACE`. Rejects with an ExchangeError: at once when refused, after 5 s when
 * nobody answers.
 */
export async function checkServer(client: Redis, place: string, options: CheckOptions): Promise<string> {
  const { log, clock, warned = new Set() } = options;
  await ready(client, place, clock);
  const info = await client.info().catch((error: unknown) => {
    throw openError(error, place);
  });
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const valkey = field('valkey_version');
  const version = valkey ?? field('redis_version') ?? 'unknown';
  const product = valkey === undefined ? 'Redis' : 'Valkey';
  requireVersion(version, product, place);
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
  const onError = (error: unknown) => {
    last = openError(error, place);
    if (!last.retry) end.abort();
  };
  client.once('ready', onReady);
  client.on('error', onError);
  await clock.sleep(READY_MS, end.signal);
  client.off('ready', onReady);
  client.off('error', onError);
  if (!connected) throw last;
}

/** While opening, a wrong set-up is final. */
function openError(error: unknown, place: string): ExchangeError {
  const failure = redisError(error, place);
  return isSetupError(error) ? new ExchangeError(failure.problem, { retry: false, cause: error }) : failure;
}
