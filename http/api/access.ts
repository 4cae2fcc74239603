import { createHash, timingSafeEqual } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import type { Problem } from '../../core/errors.ts';
import { ApiError } from './problem.ts';

/** One who may ask, as configured. */
export interface Token {
  readonly name: string;
  /** `write` may read as well. */
  readonly scope: 'read' | 'write';
  readonly token: string;
}

/** Headers of a request that decide whether it is answered. */
export interface Headers {
  readonly authorization?: string | undefined;
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
}

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  if (isIPv6(host)) return /^(0*:)*:?0*1$/.test(host);
  return host === 'localhost';
}

/** Decides who may do what: by tokens, or on loopback, where none are configured, by where a request comes from. */
export class Access {
  readonly #tokens: readonly (Token & { readonly digest: Buffer })[];
  readonly #isLoopback: boolean;

  /** @param host the address that is listened on */
  constructor(tokens: readonly Token[], host: string) {
    this.#tokens = tokens.map(token => ({ ...token, digest: digestOf(token.token) }));
    this.#isLoopback = isLoopback(host);
  }

  /** Whether anybody may ask anything. */
  get isOpen(): boolean {
    return this.#isLoopback || this.#tokens.length > 0;
  }

  /** Name of the token, null where none is needed. Throws an ApiError unless the request may do what it asks for. */
  check(headers: Headers, scope: Token['scope']): string | null {
    if (this.#tokens.length > 0) return this.#checkToken(headers, scope);
    if (!this.#isLoopback) throw new ApiError(403, CLOSED);
    checkSite(headers);
    return null;
  }

  #checkToken({ authorization = '' }: Headers, scope: Token['scope']): string {
    const [, given] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    if (given === undefined) throw new ApiError(401, NO_TOKEN);
    const digest = digestOf(given);
    // All are compared, each in constant time: how long it takes says nothing of any of them.
    const [found] = this.#tokens.filter(token => timingSafeEqual(token.digest, digest));
    if (!found) throw new ApiError(401, UNKNOWN_TOKEN);
    if (scope === 'write' && found.scope !== 'write') throw new ApiError(403, READ_ONLY);
    return found.name;
  }
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/**
 * Without tokens a page of another site could ask through the browser of whoever works here. Such a page has another
 * origin; and one that had its own name resolved to this address (DNS rebinding) sends that name as the host.
 */
function checkSite({ host = '', origin, 'sec-fetch-site': site }: Headers): void {
  const name = host.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1');
  if (!isLoopback(name)) throw new ApiError(403, FOREIGN_HOST);
  const isOurs = origin === undefined || origin === `http://${host}`;
  const isSameSite = site === undefined || site === 'same-origin' || site === 'none';
  if (!isOurs || !isSameSite) throw new ApiError(403, FOREIGN_SITE);
}

const CLOSED: Problem = {
  place: 'http.tokens',
  found: 'there are no tokens, and this address can be reached from other machines',
  remedy: 'Configure tokens, or listen on 127.0.0.1.',
};
const NO_TOKEN: Problem = {
  place: 'Authorization',
  expected: '`Bearer TOKEN`, with a token of http.tokens',
  found: 'none',
  remedy: 'Send a token; commands take it from `server.token` or TIDEGAUGE_SERVER_TOKEN.',
};
const UNKNOWN_TOKEN: Problem = { ...NO_TOKEN, found: 'another one' };
const READ_ONLY: Problem = {
  place: 'Authorization',
  expected: 'a token with the scope write',
  found: 'one that may only read',
  remedy: 'Use another token, or change the scope of this one.',
};
const FOREIGN_HOST: Problem = {
  place: 'Host',
  expected: 'localhost or an address of this machine’s loopback',
  found: 'another name',
  remedy: 'Use http://127.0.0.1, or configure http.tokens for other names.',
};
const FOREIGN_SITE: Problem = {
  place: 'Origin',
  expected: 'none, or the one of this address',
  found: 'another one',
  remedy: 'Ask from this address itself; other sites may not.',
};
