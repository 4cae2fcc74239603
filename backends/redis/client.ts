import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import type { RedisServers } from '../../core/config/redis.ts';
import { type Access, type Addresses, addressesOf, type Endpoint } from './addresses.ts';
import { isOfDemoted } from './errors.ts';

/** A connection to a single server or to the master that sentinels name, or connections to the nodes of a cluster. */
export type Client = Redis | Cluster;

/** Longest wait for the answer to one request, milliseconds. */
const REQUEST_TIMEOUT_MS = 5000;

/** Longest wait for the answer of a sentinel, milliseconds. */
const SENTINEL_TIMEOUT_MS = 2000;

/**
 * A connection on which nothing is heard for this long while an answer is due is given up and made anew, ms. Longer than
 * BullMQ's blocking reads; short enough for a master that is gone without a word to be left within 15 s.
 */
const SILENCE_MS = 8000;

/** How often a client looks for nodes that have joined a cluster, ms. What has moved it is told at once. */
const NODES_REFRESH_MS = 60_000;

/** Longest wait for a node to say who the nodes are, ms: as for a connection. */
const NODES_TIMEOUT_MS = 3000;

/** `legacy`: replies have the shapes that BullMQ and our scripts expect, whichever protocol is spoken. */
type Options = RedisOptions & { replyMapping: 'legacy' };

/** Pause before attempt number `attempt` to connect, ms. */
const pauseBefore = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 10), 1000);

const COMMON: Options = {
  replyMapping: 'legacy',
  connectTimeout: 3000,
  disconnectTimeout: 200,
  socketTimeout: SILENCE_MS,
  retryStrategy: pauseBefore,
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
export const createClient = (servers: RedisServers): Client => connect(servers, REQUESTS);

/** The same, but its commands stay until Redis is back, as BullMQ's workers need. */
export const createWaitingClient = (servers: RedisServers): WaitingClient =>
  new WaitingClient(connect(servers, WAITS));

function connect(servers: RedisServers, options: Options): Client {
  const addresses = addressesOf(servers);
  switch (addresses.kind) {
    case 'single':
      return silent(new Redis({ ...options, ...addresses.access, ...addresses.server }));
    case 'sentinels':
      return silent(new Redis({ ...options, ...sentinelOptions(addresses) }));
    case 'cluster':
      return silent(new Cluster([...addresses.nodes], clusterOptions(addresses, options)));
  }
}

function sentinelOptions({ access, name, sentinels, sentinelAccess }: Addresses & { kind: 'sentinels' }) {
  return {
    ...access,
    name,
    sentinels: [...sentinels],
    ...(access.tls ? { enableTLSForSentinelMode: true } : {}),
    ...(sentinelAccess.tls ? { sentinelTLS: sentinelAccess.tls } : {}),
    ...(sentinelAccess.username ? { sentinelUsername: sentinelAccess.username } : {}),
    ...(sentinelAccess.password ? { sentinelPassword: sentinelAccess.password } : {}),
    sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
    sentinelRetryStrategy: pauseBefore,
  };
}

function clusterOptions({ access }: Addresses & { kind: 'cluster' }, options: Options) {
  const { enableOfflineQueue = true, retryStrategy: _, ...ofNodes } = options;
  return {
    enableOfflineQueue,
    redisOptions: { ...ofNodes, ...access },
    clusterRetryStrategy: pauseBefore,
    slotsRefreshInterval: NODES_REFRESH_MS,
    slotsRefreshTimeout: NODES_TIMEOUT_MS,
    // Nodes that do not agree yet on who is the master send each other's clients to and fro.
    retryDelayOnMoved: 50,
    // Names are left to the connection, which checks certificates against them.
    dnsLookup: (host, done) => done(null, host),
  } satisfies ClusterOptions;
}

/**
 * The answer of one server or sentinel to one command, on a connection of its own. Rejects with why there is none, as
 * the connection says it.
 */
export async function askOnce(
  endpoint: Endpoint,
  access: Access,
  [command, ...args]: readonly [string, ...string[]],
): Promise<unknown> {
  const once = { lazyConnect: true, enableReadyCheck: false, retryStrategy: () => null };
  const client = new Redis({ ...REQUESTS, ...once, ...access, ...endpoint });
  let reason: unknown;
  client.on('error', (error: unknown) => {
    reason ??= error;
  });
  try {
    await client.connect();
    return await client.call(command, ...args);
  } catch (error) {
    throw reason ?? error;
  } finally {
    client.disconnect();
  }
}

/** Requests report their own failures; who wants to hear of outages listens too (`logOutages`). */
function silent<C extends Client>(client: C): C {
  client.on('error', () => {});
  return client;
}

/**
 * A client whose copies can be ended for good. BullMQ makes one for blocking reads, and when it closes a worker while
 * Redis does not answer, it may connect that copy again afterwards: nobody would ever end it, and the process lives on.
 */
export class WaitingClient {
  readonly connection: Client;
  #copies: WaitingClient[] = [];
  #isEnded = false;

  constructor(connection: Client) {
    this.connection = connection;
    const replaced = connection as { duplicate: Method<Client>; connect: Method<Promise<void>> };
    const [duplicate, connect] = [replaced.duplicate.bind(connection), replaced.connect.bind(connection)];
    replaced.duplicate = (...args) => {
      const copy = new WaitingClient(silent(duplicate(...args)));
      this.#copies.push(copy);
      return copy.connection;
    };
    // Who connects it when it has been cut off has been closed: a rejection would be nobody's.
    replaced.connect = (...args) => (this.#isEnded ? new Promise(() => {}) : connect(...args));
  }

  /** Copies that were made since this was asked last. */
  takeCopies(): WaitingClient[] {
    const copies = this.#copies;
    this.#copies = [];
    return copies;
  }

  /** Disconnect, whatever state it is in, and never connect again. */
  cutOff(): void {
    this.#isEnded = true;
    this.connection.disconnect();
  }
}

type Method<R> = (...args: unknown[]) => R;
