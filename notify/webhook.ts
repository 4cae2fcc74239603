import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { RECEIVER_ADDRESS } from '../core/config/address.ts';
import { address, duration } from '../core/config/options.ts';
import { tlsFailure } from '../core/connection-failure.ts';
import { withDeadline } from '../core/deadline.ts';
import type { Notification } from '../core/incident/incident.ts';
import type { DeliveryResult, Notifier, Receiver } from './contract.ts';
import { deliveryResultOf, type HttpResult } from './delivery-result.ts';
import { limitOptions, limitsOf } from './limits.ts';
import { payloadOf } from './payload.ts';
import { secretBytes, signatureHeaders } from './signature.ts';

/** Headers that are ours, or that decide where a message ends. */
const RESERVED = /^(webhook-.*|content-.*|host|connection|transfer-encoding|expect|upgrade|te|trailer)$/i;

const header = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/, 'the name of an HTTP header')
  .refine(name => !RESERVED.test(name), 'a header that tidegauge does not set itself');

const options = z.strictObject({
  url: address(RECEIVER_ADDRESS).describe('Where messages are posted to. Redirects are not followed.'),
  timeout: duration({ min: '100ms', max: '5m' }).prefault('10s').describe('Longest wait for an answer.'),
  secret: z
    .string()
    .refine(text => text === '' || secretBytes(text) !== null, 'whsec_ and base64 of 24 to 64 bytes')
    .default('')
    .describe('Signs messages as in the Standard Webhooks specification; empty: unsigned.'),
  headers: z
    .record(header, z.string().regex(/^[\x20-\x7e]{0,4096}$/, 'up to 4096 printable ASCII characters'))
    .default({})
    .describe('Further headers, such as `Authorization`.'),
  ...limitOptions,
});

type Options = z.output<typeof options>;

/** How much of an answer is read, bytes: enough for a reason. */
const BODY_LIMIT = 4096;

/** The address for people. Path and query often hold a token, so they are not shown. */
function shown(url: URL): string {
  return url.pathname === '/' && url.search === '' ? url.origin : `${url.origin}/…`;
}

/** What one attempt sends. `webhook-id` is the same for all attempts, the timestamp is that of this one. */
function requestOf(notification: Notification, o: Options, now: number): RequestInit {
  const body = JSON.stringify(payloadOf(notification));
  const seconds = Math.floor(now / 1000);
  const secret = secretBytes(o.secret);
  const signature = secret ? signatureHeaders(secret, { id: notification.key, seconds, body }) : {};
  return {
    method: 'POST',
    redirect: 'manual',
    body,
    headers: {
      'user-agent': 'tidegauge',
      ...o.headers,
      'content-type': 'application/json',
      'webhook-id': notification.key,
      'webhook-timestamp': String(seconds),
      ...signature,
    },
  };
}

/** The beginning of a body as text; the rest is not read. */
async function beginning(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the stream, which closes the connection.
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= BODY_LIMIT) break;
  }
  return Buffer.concat(chunks).subarray(0, BODY_LIMIT).toString('utf8');
}

/** One HTTP exchange; never rejects. Every answer of 2xx counts as soon as its headers are there. */
async function exchange(url: URL, request: RequestInit): Promise<HttpResult> {
  try {
    const response = await fetch(url, request);
    const answer = {
      kind: 'answer' as const,
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      location: response.headers.get('location'),
    };
    if (!response.ok) return { ...answer, body: await bodyOf(response) };
    await response.body?.cancel();
    return { ...answer, body: '' };
  } catch (error) {
    return { kind: 'failure', error: inWords(error, url) };
  }
}

/** What the failure has to do with TLS is said, with what to do; others stay as they are. */
function inWords(error: unknown, { protocol }: URL): unknown {
  const isSecure = protocol === 'https:';
  const tls = tlsFailure(error, isSecure, isSecure ? 'http://' : 'https://');
  return tls === null ? error : new Error(`${tls.found}. ${tls.remedy}`);
}

/** The status says what to do; a body that breaks off or never ends must not change it. */
async function bodyOf(response: Response): Promise<string> {
  return beginning(response.body).catch((error: unknown) => `(body unreadable: ${String(error)})`);
}

function create(name: string, o: Options, clock: Clock): Receiver {
  const url = new URL(o.url);
  return {
    name,
    address: shown(url),
    limits: limitsOf(o),
    async deliver(notification, signal): Promise<DeliveryResult> {
      const request = requestOf(notification, o, clock.now());
      const result = await withDeadline(limit => exchange(url, { ...request, signal: limit }), {
        parent: signal,
        ms: o.timeout,
        clock,
      });
      return deliveryResultOf(result, clock.now());
    },
  };
}

export const webhook: Notifier<Options> = {
  name: 'webhook',
  summary: 'Posts JSON to an address, signed as in the Standard Webhooks specification.',
  options,
  create,
};
