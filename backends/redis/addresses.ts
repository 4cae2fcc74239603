import type { RedisServers } from '../../core/config/redis.ts';

/** One address, as ioredis takes it. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** How servers are spoken to. */
export interface Access {
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  readonly family?: number;
  /** Absent: without TLS. */
  readonly tls?: Record<string, never>;
}

/** What the configuration says of where Redis is, taken apart. `access` is that of the servers that hold the data. */
export type Addresses = { readonly access: Access } & (
  | { readonly kind: 'single'; readonly server: Endpoint }
  | {
      readonly kind: 'sentinels';
      /** Of the master. */
      readonly name: string;
      readonly sentinels: readonly Endpoint[];
      readonly sentinelAccess: Access;
    }
  | { readonly kind: 'cluster'; readonly nodes: readonly Endpoint[] }
);

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;

/** Takes checked settings apart. */
export function addressesOf({
  url,
  username,
  password,
  sentinels = [],
  cluster = [],
}: RedisServers): Addresses {
  const base = new URL(url);
  const access = { ...accessOf(base), ...(username && { username }), ...(password && { password }) };
  const [first] = sentinels;
  if (first !== undefined)
    return {
      kind: 'sentinels',
      access,
      name: base.hostname,
      sentinels: sentinels.map(text => endpointOf(new URL(text), SENTINEL_PORT)),
      sentinelAccess: accessOf(new URL(first)),
    };
  const server = endpointOf(base, REDIS_PORT);
  if (cluster.length === 0) return { kind: 'single', access, server };
  const nodes = [server, ...cluster.map(text => endpointOf(new URL(text), REDIS_PORT))];
  return { kind: 'cluster', access, nodes };
}

/** Where the settings lead, for people: without user and password. */
export function placeOf({ url, sentinels = [], cluster = [] }: RedisServers): string {
  const { protocol, host, pathname } = new URL(url);
  const server = `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
  if (sentinels.length > 0)
    return `${server} (${sentinels.length === 1 ? '1 sentinel' : `${sentinels.length} sentinels`})`;
  return cluster.length > 0 ? `${server} (cluster)` : server;
}

/** IPv6 stands in brackets in addresses, and nowhere else. */
const endpointOf = ({ hostname, port }: URL, usual: number): Endpoint => ({
  host: hostname.replace(/^\[(.*)\]$/, '$1'),
  port: port === '' ? usual : Number(port),
});

function accessOf({ protocol, username, password, pathname, searchParams }: URL): Access {
  const db = Number(pathname.slice(1));
  const family = Number(searchParams.get('family'));
  return {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(db === 0 ? {} : { db }),
    ...(family === 0 ? {} : { family }),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  };
}
