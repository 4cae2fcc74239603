/** How an address of one kind is written. */
export interface AddressKind {
  /** `redis:` and the like; the first is the one of examples. */
  readonly schemes: readonly string[];
  readonly example: string;
  /** Where user and password go when they must not stand in the address; null: they may. */
  readonly credentials: string | null;
  /** What of its path and query is refused, as words to follow `expected`; null: nothing. */
  readonly refusePath: (url: URL) => string | null;
}

/** An address that is refused: what would be right, and whether the text may be shown (with its secrets masked). */
export interface RefusedAddress {
  readonly expected: string;
  readonly isShown: boolean;
}

const ENCODING =
  'user and password percent-encoded (@ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25, a space as %20)';

function onlyHost({ pathname, search }: URL): string | null {
  return /^\/?$/.test(pathname) && search === '' ? null : 'nothing after host and port';
}

const noQuery = ({ search }: URL): string | null => (search === '' ? null : 'an address without `?`');

export const REDIS_ADDRESS: AddressKind = {
  schemes: ['redis:', 'rediss:'],
  example: 'redis://redis.internal:6379/0',
  credentials: null,
  refusePath({ pathname, search }) {
    if (!/^(\/(\d{1,4})?)?$/.test(pathname))
      return 'nothing after the host but the number of a database, such as redis://redis.internal:6379/0';
    return /^(\?family=[46])?$/.test(search) ? null : 'nothing after `?` but family=4 or family=6';
  },
};

/** Of a sentinel, which may ask for another user and password than the servers that it watches. */
export const SENTINEL_ADDRESS: AddressKind = {
  schemes: ['redis:', 'rediss:'],
  example: 'redis://sentinel-1.internal:26379',
  credentials: null,
  refusePath: onlyHost,
};

/** Of one node of a Redis Cluster. */
export const NODE_ADDRESS: AddressKind = {
  schemes: ['redis:', 'rediss:'],
  example: 'redis://node-2.internal:6379',
  credentials: 'they go into `redis.url` and are those of all nodes',
  refusePath: onlyHost,
};

export const INFLUX_ADDRESS: AddressKind = {
  schemes: ['http:', 'https:'],
  example: 'http://influx.internal:8086',
  credentials: 'they go into `username` and `password`',
  refusePath: noQuery,
};

/** Of another tidegauge's API. */
export const SERVER_ADDRESS: AddressKind = {
  schemes: ['http:', 'https:'],
  example: 'http://127.0.0.1:8433',
  credentials: 'a token goes into `server.token`',
  refusePath: onlyHost,
};

/** Of the page, as people reach it. Its own addresses are absolute: it cannot be below a path. */
export const PAGE_ADDRESS: AddressKind = {
  schemes: ['http:', 'https:'],
  example: 'https://tidegauge.example',
  credentials: 'whoever opens the page is asked for a token',
  refusePath: onlyHost,
};

export const RECEIVER_ADDRESS: AddressKind = {
  schemes: ['http:', 'https:'],
  example: 'https://chat.example/hook',
  credentials: 'they go into `headers`',
  refusePath: () => null,
};

/**
 * The one parser of addresses in settings: `SCHEME://[USER:PASSWORD@]HOST[:PORT][/PATH]`. Of a text that cannot be taken
 * apart nobody knows where the password is, so nothing of it is shown.
 */
export function parseAddress(text: string, kind: AddressKind): URL | RefusedAddress {
  const hidden = (expected: string): RefusedAddress => ({ expected, isShown: false });
  const shown = (expected: string): RefusedAddress => ({ expected, isShown: true });
  const { schemes, example, credentials } = kind;
  const names = schemes.map(scheme => `${scheme}//`).join(' or ');
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? [];
  if (scheme === undefined) return hidden(`an address that starts with ${names}, such as ${example}`);
  const [authority = '', ...others] = rest.split(/[/?#]/);
  if (/[\s\p{Cc}\\]/u.test(text))
    return hidden(
      rest.includes('@') ? `an address with ${ENCODING}` : 'an address without spaces and backslashes',
    );
  // An @ further on most often ends a password with a / in it.
  if (authority.split('@').length > 2 || (credentials === null && others.some(part => part.includes('@'))))
    return hidden(`an address with ${ENCODING}`);
  if (!URL.canParse(text))
    return hidden(
      `a host (IPv6 in brackets) and a port from 1 to 65535, such as ${example}${authority.includes('@') ? `, and ${ENCODING}` : ''}`,
    );
  const url = new URL(text);
  if (!schemes.includes(url.protocol)) return shown(`an address that starts with ${names}`);
  if (url.hostname === '') return hidden(`an address with a host, such as ${example}`);
  // A list, as some clients take it.
  if (url.hostname.includes(',')) return hidden(`one host, such as ${example}`);
  const wrong = authority.includes('@') ? wrongCredentials(url, credentials) : null;
  if (wrong !== null) return hidden(wrong);
  if (text.includes('#')) return hidden('an address without `#`, which is written %23');
  if (url.port === '0') return shown('a port from 1 to 65535');
  const refused = kind.refusePath(url);
  return refused === null ? url : shown(refused);
}

/** What is wrong with user and password of an address that has them. */
function wrongCredentials({ username, password }: URL, elsewhere: string | null): string | null {
  if (elsewhere !== null) return `an address without user and password: ${elsewhere}`;
  if (password === '')
    return 'a user and a password, as in redis://USER:PASSWORD@HOST or redis://:PASSWORD@HOST';
  return [username, password].every(isEncoded) ? null : `an address with ${ENCODING}`;
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** A host with a port, which is null when there is none. */
export interface HostPort {
  readonly host: string;
  readonly port: number | null;
}

/** `127.0.0.1:8433`, `[::1]:8433`, `redis.internal`; null for all else. */
export function parseHostPort(text: string): HostPort | null {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? null : Number(digits);
  return host === undefined || (port ?? 0) > 65_535 ? null : { host, port };
}
