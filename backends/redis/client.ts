import { Redis, type RedisOptions } from 'ioredis';
import type { Log } from '../../core/log.ts';
import { isOfDemoted, isUnsent, redisError } from './errors.ts';

/** Longest wait for the answer to one request, milliseconds. */
const REQUEST_TIMEOUT_MS = 5000;

/**
 * A connection on which nothing is heard for this long while an answer is due is given up and made anew, ms. Longer than
 * BullMQ's blocking reads; short enough for a master that is gone without a word to be left within 15 s.
 */
const SILENCE_MS = 8000;

/** `legacy`: replies have the shapes that BullMQ and our scripts expect, whichever protocol is spoken. */
type Options = RedisOptions & { replyMapping: 'legacy' };

const COMMON: Options = {
  replyMapping: 'legacy',
  connectTimeout: 3000,
  disconnectTimeout: 200,
  socketTimeout: SILENCE_MS,
  retryStrategy: attempt => Math.min(50 * 2 ** Math.min(attempt, 10), 1000),
  // The connection stays with a master that was demoted: behind its address, or by its sentinels, there is another one.
  reconnectOnError: isOfDemoted,
};

const REQUESTS: Options = {
  ...COMMON,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  commandTimeout: REQUEST_TIMEOUT_MS,
};
const WAITS: Options = { ...COMMON, maxRetriesPerRequest: null };

/** A client that connects by itself, now and after every loss; its requests fail soon while Redis is away. */
export const createClient = (url: string): Redis => silent(new Redis(url, REQUESTS));

/** The same, but its commands stay until Redis is back, as BullMQ's workers need. */
export const createWaitingClient = (url: string): WaitingClient => silent(new WaitingClient(url, WAITS));

/** Requests report their own failures; who wants to hear of outages listens too (`logOutages`). */
function silent<C extends Redis>(client: C): C {
  client.on('error', () => {});
  return client;
}

type Copy<O extends Partial<RedisOptions> | undefined> = ReturnType<typeof Redis.prototype.duplicate<O>>;

/**
 * A client whose copies can be ended for good. BullMQ makes one for blocking reads, and when it closes a worker while
 * Redis does not answer, it may connect that copy again afterwards: nobody would ever end it, and the process lives on.
 */
export class WaitingClient extends Redis {
  // Without values of their own: the constructor that they follow connects already.
  declare copies?: WaitingClient[];
  declare isEnded?: boolean;

  override duplicate<O extends Partial<RedisOptions> | undefined = undefined>(override?: O): Copy<O> {
    const copy = silent(new WaitingClient({ ...this.options, ...override } as Options));
    this.copies = [...(this.copies ?? []), copy];
    // Its replies have the shapes of ours, which ioredis' type of a copy has to work out.
    return copy as Redis as Copy<O>;
  }

  /** Copies that were made since this was asked last. */
  takeCopies(): WaitingClient[] {
    const { copies = [] } = this;
    this.copies = [];
    return copies;
  }

  override connect(callback?: Parameters<Redis['connect']>[0]): Promise<void> {
    // Who connects it now has been closed: a rejection would be nobody's.
    return this.isEnded ? new Promise(() => {}) : super.connect(callback);
  }

  /** Disconnect, whatever state it is in, and never connect again. */
  cutOff(): void {
    this.isEnded = true;
    this.disconnect();
  }
}

/** One line when Redis is lost and one when it is back, however many attempts lie between. */
export function logOutages(client: Redis, place: string, log: Log): void {
  let down = false;
  client.on('error', (error: unknown) => {
    // What could not be sent says nothing new: the connection was lost before, or this client is being closed.
    if (isUnsent(error)) return;
    if (!down)
      log.warn(
        { place, error: redisError(error, place).problem.found },
        'lost contact with Redis; trying again',
      );
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
