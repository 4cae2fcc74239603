import { Redis, type RedisOptions } from 'ioredis';
import { describeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

/** Longest wait for the answer to one request, milliseconds. */
const REQUEST_TIMEOUT_MS = 5000;

/** A connection on which nothing is heard for this long while an answer is due is given up and made anew, ms. */
const SILENCE_MS = 15_000;

/** `legacy`: replies have the shapes that BullMQ and our scripts expect, whichever protocol is spoken. */
type Options = RedisOptions & { replyMapping: 'legacy' };

const COMMON: Options = {
  replyMapping: 'legacy',
  connectTimeout: 3000,
  disconnectTimeout: 200,
  socketTimeout: SILENCE_MS,
  retryStrategy: attempt => Math.min(50 * 2 ** Math.min(attempt, 10), 1000),
};

/** `requests` fail soon while Redis is away; commands of `waits` stay until it is back, as BullMQ's workers need. */
const OPTIONS: Readonly<Record<'requests' | 'waits', Options>> = {
  requests: {
    ...COMMON,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: REQUEST_TIMEOUT_MS,
  },
  waits: { ...COMMON, maxRetriesPerRequest: null },
};

/** A client that connects by itself, now and after every loss; its errors never go unhandled. */
export function createClient(url: string, kind: keyof typeof OPTIONS): Redis {
  const client = new Redis(url, OPTIONS[kind]);
  // Requests report their own failures; who wants to hear of outages listens too (`logOutages`).
  client.on('error', () => {});
  return client;
}

/** One line when Redis is lost and one when it is back, however many attempts lie between. */
export function logOutages(client: Redis, place: string, log: Log): void {
  let down = false;
  client.on('error', (error: unknown) => {
    if (!down) log.warn({ place, error: describeError(error) }, 'lost contact with Redis; trying again');
    down = true;
  });
  client.on('ready', () => {
    if (down) log.info({ place }, 'in contact with Redis again');
    down = false;
  });
}

/** Where a URL leads, without user and password. */
export function placeOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}
