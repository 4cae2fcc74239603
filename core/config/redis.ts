import { type AddressKind, NODE_ADDRESS, parseAddress, REDIS_ADDRESS, SENTINEL_ADDRESS } from './address.ts';

/** Where Redis is, as the group `redis` of the configuration says it. */
export interface RedisServers {
  /** Address of a single server, of one node of a cluster, or, in place of host and port, the name of a master. */
  readonly url: string;
  /** Who tidegauge is there, where `url` does not say it; empty: the user `default`. */
  readonly username?: string;
  /** Empty: that of `url`, or none. */
  readonly password?: string;
  /** Addresses of sentinels; none: nobody is asked who the master is. */
  readonly sentinels?: readonly string[];
  /** Addresses of more nodes of a cluster; none: it is no cluster. */
  readonly cluster?: readonly string[];
}

/** Parts of the group that contradict each other, in the form of an issue of its schema. */
interface Conflict {
  readonly path: (string | number)[];
  readonly message: string;
  readonly params: { readonly found?: string };
}

const HIDDEN = { found: 'a value that is not shown' };

/** What Sentinel takes for the name of a master. */
const MASTER_NAME = /^[\w.-]+$/;

/** Every contradiction of addresses, each of which is right for itself. */
export function redisConflicts(servers: RedisServers): Conflict[] {
  const { url, sentinels = [], cluster = [] } = servers;
  const isRight = (kind: AddressKind) => (text: string) => parseAddress(text, kind) instanceof URL;
  const areRight =
    isRight(REDIS_ADDRESS)(url) &&
    sentinels.every(isRight(SENTINEL_ADDRESS)) &&
    cluster.every(isRight(NODE_ADDRESS));
  // What is wrong for itself is refused as such.
  if (!areRight) return [];
  const base = new URL(url);
  const twice = accessConflicts(base, servers);
  if (twice.length > 0) return twice;
  if (sentinels.length > 0 && cluster.length > 0) {
    const message = 'either the sentinels of one master or nodes of a cluster';
    return [{ path: ['cluster'], message, params: { found: 'both `sentinels` and `cluster`' } }];
  }
  if (sentinels.length > 0) return [...masterConflicts(base), ...sentinelConflicts(sentinels)];
  return cluster.length > 0 ? clusterConflicts(base, cluster) : [];
}

function accessConflicts(
  { password: inUrl }: URL,
  { username = '', password = '' }: RedisServers,
): Conflict[] {
  if (username === '' && password === '') return [];
  if (inUrl !== '') {
    const message = 'an address without user and password, as `username` and `password` are set';
    return [{ path: ['url'], message, params: HIDDEN }];
  }
  const message = 'the password of `username`';
  return password === '' ? [{ path: ['password'], message, params: { found: 'none' } }] : [];
}

function masterConflicts({ hostname, port }: URL): Conflict[] {
  if (port === '' && MASTER_NAME.test(hostname)) return [];
  const message =
    'the name of the master in place of host and port, as `sentinels` say where it is, such as redis://mymaster or redis://USER:PASSWORD@mymaster';
  return [{ path: ['url'], message, params: {} }];
}

/** The client has one user and password, and TLS or not, for all sentinels. */
function sentinelConflicts(sentinels: readonly string[]): Conflict[] {
  const accessOf = ({ protocol, username, password }: URL) => JSON.stringify([protocol, username, password]);
  const [first, ...others] = sentinels.map(text => accessOf(new URL(text)));
  const message = 'the same scheme, user and password in all addresses of sentinels';
  return others.flatMap((access, i) =>
    access === first ? [] : [{ path: ['sentinels', i + 1], message, params: HIDDEN }],
  );
}

function clusterConflicts(base: URL, cluster: readonly string[]): Conflict[] {
  const isFirst = /^(\/0?)?$/.test(base.pathname);
  const ofDatabase = isFirst
    ? []
    : [{ path: ['url'], message: 'database 0, the only one of a cluster', params: {} }];
  const ofSchemes = cluster.flatMap((text, i) => {
    const isSame = new URL(text).protocol === base.protocol;
    const message = `an address with ${base.protocol}//, as in \`redis.url\``;
    return isSame ? [] : [{ path: ['cluster', i], message, params: {} }];
  });
  return [...ofDatabase, ...ofSchemes];
}
