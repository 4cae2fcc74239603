import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { type AddressKind, RECEIVER_ADDRESS } from '../../core/config/address.ts';
import { address, duration, path } from '../../core/config/options.ts';
import { tlsFailure } from '../../core/connection-failure.ts';
import { withDeadline } from '../../core/deadline.ts';
import { describeError, describeFileError, UsageError } from '../../core/errors.ts';
import type { DeliveryResult } from '../contract.ts';
import { deliveryResultOf, type HttpResult } from './delivery-result.ts';
import { hide, secretsIn } from './hide.ts';

/** What all kinds share that speak HTTP. Nothing but the configuration says where a request goes. */

const PROXY_ADDRESS: AddressKind = {
  schemes: ['http:', 'https:'],
  example: 'http://proxy.internal:3128',
  credentials: null,
  refusePath: ({ pathname, search }) =>
    pathname === '/' && search === '' ? null : 'an address without a path',
};

/** A file with certificates of one's own authority. */
export const caOption = path()
  .default('')
  .describe('File with certificates (PEM) that are trusted besides those of the system.');

export const timeoutOption = duration({ min: '100ms', max: '5m' })
  .prefault('10s')
  .describe('Longest wait for an answer.');

/** Where messages are posted to. */
export const urlOption = () => address(RECEIVER_ADDRESS);

/** Options of every kind that speaks HTTP. */
export const httpOptions = {
  timeout: timeoutOption,
  proxy: z
    .exactOptional(address(PROXY_ADDRESS))
    .describe('Proxy that requests go through, such as http://proxy.internal:3128.'),
  ca: caOption,
};

export interface HttpOptions {
  readonly timeout: number;
  readonly proxy?: string;
  readonly ca: string;
}

export interface Post {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body: string;
  /** What of the body must not be shown when an answer repeats it. */
  readonly secrets?: readonly string[];
}

/** Posts JSON; never rejects, never takes longer than its time-out. */
export type Poster = (post: Post, signal: AbortSignal) => Promise<DeliveryResult>;

/** A request of an API that has more to it than to be posted to. */
export interface ApiRequest extends Omit<Post, 'body'> {
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** Sent as JSON; absent: nothing. */
  readonly body?: string;
}

export interface ApiAnswer {
  readonly result: DeliveryResult;
  /** HTTP status; null when there was no answer. */
  readonly status: number | null;
  /** What was answered when it was accepted, as it came: untrusted, and cut after 4 MiB. */
  readonly body: string;
}

/** One request and its whole answer; never rejects. The signal alone ends it early. */
export type ApiClient = (request: ApiRequest, signal: AbortSignal) => Promise<ApiAnswer>;

/** How much of an answer is read, bytes: enough for a reason, and for what an API says. */
const REASON_LIMIT = 4096;
const ANSWER_LIMIT = 4 * 1024 * 1024;

/** The address for people. Path and query often hold a token, so they are not shown. */
export function shownAddress(url: URL): string {
  return url.pathname === '/' && url.search === '' ? url.origin : `${url.origin}/…`;
}

/** Throws a UsageError when the file of certificates cannot be used. `receiver`: its name, for that error. */
export function createPoster(receiver: string, options: HttpOptions, clock: Clock): Poster {
  const agents = agentsOf(receiver, options);
  return async (post, signal) => {
    const request = { method: 'POST' as const, ...post };
    const result = await withDeadline(limit => exchange(request, { agents, answerLimit: 0 }, limit), {
      parent: signal,
      ms: options.timeout,
      clock,
    });
    return deliveryResultOf(result, clock.now());
  };
}

/** As `createPoster`, for an API whose answers say something. */
export function createApiClient(receiver: string, options: HttpOptions, clock: Clock): ApiClient {
  const agents = agentsOf(receiver, options);
  return async (request, signal) => {
    const answer = await exchange(request, { agents, answerLimit: ANSWER_LIMIT }, signal);
    const result = deliveryResultOf(answer, clock.now());
    if (answer.kind === 'failure') return { result, status: null, body: '' };
    return { result, status: answer.status, body: result.kind === 'accepted' ? answer.body : '' };
  };
}

interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/** Node.js was told to take proxies from the environment. */
const usesEnvProxy = (): boolean =>
  process.env.NODE_USE_ENV_PROXY === '1' || /--use-env-proxy\b/.test(process.env.NODE_OPTIONS ?? '');

/** Connections are not kept: alerts are rare, and one that has gone stale would cost an attempt. */
function agentsOf(receiver: string, { proxy, ca, timeout }: HttpOptions): Agents {
  const own = proxy === undefined ? null : { HTTP_PROXY: proxy, HTTPS_PROXY: proxy };
  const proxyEnv = own ?? (usesEnvProxy() ? process.env : undefined);
  // A proxy that does not answer is left by the time-out of the agent: its signal does not reach that far.
  const common = { keepAlive: false, timeout, ...(proxyEnv ? { proxyEnv } : {}) };
  const trusted = trustedBesides(receiver, ca);
  return {
    http: new HttpAgent(common),
    https: new HttpsAgent({ ...common, ...(trusted ? { ca: trusted } : {}) }),
  };
}

/** The certificates to trust when a file adds some; undefined: what Node.js trusts. */
export function trustedBesides(receiver: string, file: string): string[] | undefined {
  if (file === '') return undefined;
  try {
    const text = readFileSync(file, 'utf8');
    // Throws when there is none: a file that is taken for empty would only show as a failing alert.
    new X509Certificate(text);
    return [...getCACertificates('default'), text];
  } catch (cause) {
    throw new UsageError(
      {
        place: `receiver ${receiver}, ca`,
        expected: 'a file with certificates in PEM',
        found: describeFileError(cause, 'read'),
        remedy: 'Name a file with the certificate of the authority that this user can read.',
      },
      cause,
    );
  }
}

/**
 * One HTTP exchange; never rejects. Without an `answerLimit` every answer of 2xx counts as soon as its headers are there;
 * with one, bytes, its body is read.
 */
function exchange(
  { method, url, headers = {}, body, secrets = [] }: ApiRequest,
  { agents, answerLimit }: { readonly agents: Agents; readonly answerLimit: number },
  signal: AbortSignal,
): Promise<HttpResult> {
  const hidden = [...secrets, ...secretsIn(url, headers)];
  return new Promise(resolve => {
    const isSecure = url.protocol === 'https:';
    const fail = (error: unknown) =>
      resolve({ kind: 'failure', error: signal.aborted ? signal.reason : inWords(error, isSecure) });
    const request = (isSecure ? httpsRequest : httpRequest)(url, {
      method,
      agent: isSecure ? agents.https : agents.http,
      signal,
      headers: {
        'user-agent': 'tidegauge',
        ...headers,
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
    });
    signal.addEventListener('abort', fail, { once: true });
    request.on('error', fail);
    request.on('response', response => {
      // From here on the status decides.
      signal.removeEventListener('abort', fail);
      request.off('error', fail).on('error', () => undefined);
      const { statusCode: status = 0 } = response;
      const { 'retry-after': retryAfter = null, location } = response.headers;
      const answer = {
        kind: 'answer' as const,
        status,
        retryAfter,
        location: location === undefined ? null : hide(location, hidden),
      };
      if (status < 200 || status >= 300)
        void beginning(response, REASON_LIMIT).then(text => resolve({ ...answer, body: hide(text, hidden) }));
      else if (answerLimit > 0)
        void beginning(response, answerLimit).then(text => resolve({ ...answer, body: text }));
      else {
        resolve({ ...answer, body: '' });
        response.destroy();
      }
    });
    request.end(body);
  });
}

/** The beginning of a body; the rest is not read. The status says what to do: a body that breaks off must not change it. */
async function beginning(response: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    // Leaving the loop destroys the response, which closes the connection.
    for await (const chunk of response) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= limit) break;
    }
  } catch (error) {
    return `(body unreadable: ${describeError(error)})`;
  }
  return Buffer.concat(chunks).subarray(0, limit).toString('utf8');
}

/** What the failure has to do with TLS is said, with what to do; others stay as they are. */
function inWords(error: unknown, isSecure: boolean): unknown {
  const tls = tlsFailure(error, isSecure, isSecure ? 'http://' : 'https://');
  return tls === null ? error : new Error(`${tls.found}. ${tls.remedy}`);
}
