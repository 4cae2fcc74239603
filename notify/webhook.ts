import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { alertmanagerBody } from './alertmanager-body.ts';
import type { Notifier, Receiver, Told } from './contract.ts';
import { messageKey, payloadOf } from './payload.ts';
import { createPoster, httpOptions, type Post, shownAddress, urlOption } from './shared/http.ts';
import { limitOptions, limitsOf } from './shared/limits.ts';
import { textIn, wordOptions } from './shared/template.ts';
import { secretBytes, signatureHeaders } from './signature.ts';

/** Headers that are ours, or that decide where a message ends. */
const RESERVED = /^(webhook-.*|content-.*|host|connection|transfer-encoding|expect|upgrade|te|trailer)$/i;

const header = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/, 'the name of an HTTP header')
  .refine(name => !RESERVED.test(name), 'a header that tidegauge does not set itself');

const options = z
  .strictObject({
    url: urlOption().describe('Where messages are posted to. Redirects are not followed.'),
    format: z
      .enum(['tidegauge', 'alertmanager'])
      .default('tidegauge')
      .describe(
        'What is posted: the body of docs/webhook.md, or what Prometheus Alertmanager posts to webhooks (version 4).',
      ),
    text: wordOptions.text.describe(
      'Another `text` of the body, as a template (see Templates); its lines become one.',
    ),
    secret: z
      .string()
      .refine(text => text === '' || secretBytes(text) !== null, 'whsec_ and base64 of 24 to 64 bytes')
      .default('')
      .describe('Signs messages as in the Standard Webhooks specification; empty: unsigned.'),
    headers: z
      .record(header, z.string().regex(/^[\x20-\x7e]{0,4096}$/, 'up to 4096 printable ASCII characters'))
      .default({})
      .describe('Further headers, such as `Authorization`.'),
    ...httpOptions,
    ...limitOptions,
  })
  .refine(({ format, text }) => format === 'tidegauge' || text === undefined, {
    path: ['text'],
    message: 'no text of its own, as the one of Alertmanager is in its annotations',
  });

type Options = z.output<typeof options>;

/** What one attempt sends. `webhook-id` is the same for all attempts, the timestamp is that of this one. */
function postOf(notification: Told, { url, format, text, secret, headers }: Options, now: number): Post {
  const content =
    format === 'alertmanager'
      ? alertmanagerBody(notification)
      : payloadOf(notification, textIn(text, notification));
  const body = JSON.stringify(content);
  const seconds = Math.floor(now / 1000);
  const bytes = secretBytes(secret);
  const id = messageKey(notification);
  const signature = bytes ? signatureHeaders(bytes, { id, seconds, body }) : {};
  return {
    url: new URL(url),
    body,
    headers: {
      ...headers,
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      ...signature,
    },
  };
}

function create(name: string, o: Options, clock: Clock): Receiver {
  const post = createPoster(name, o, clock);
  return {
    name,
    address: shownAddress(new URL(o.url)),
    limits: limitsOf(o),
    takesGroups: true,
    deliver: (notification, signal) => post(postOf(notification, o, clock.now()), signal),
  };
}

export const webhook: Notifier<Options> = {
  name: 'webhook',
  summary: 'Posts JSON to an address, signed as in the Standard Webhooks specification.',
  options,
  create,
};
