import { z } from 'zod';
import type { Notification } from '../core/incident/incident.ts';
import type { Notifier } from './contract.ts';
import { httpOptions, urlOption } from './shared/http.ts';
import { limitOptions } from './shared/limits.ts';
import { plainText, withinBytes } from './shared/message.ts';
import { postingReceiver } from './shared/preset.ts';
import { messageIn, type Words, wordOptions } from './shared/template.ts';

/** ntfy: a message published as JSON (docs.ntfy.sh/publish, "Publish as JSON"). Without `markdown` it is plain text. */

const options = z.strictObject({
  url: urlOption().default('https://ntfy.sh').describe('The server.'),
  topic: z
    .string()
    .regex(/^[-_A-Za-z0-9]{1,64}$/, 'a topic of 1 to 64 of A-Z a-z 0-9 - _')
    .describe('Where to publish. On a public server whoever knows it can read it.'),
  token: z
    .string()
    .regex(/^[\x21-\x7e]{0,256}$/, 'an access token')
    .default('')
    .describe('Access token of the server; empty: none.'),
  ...wordOptions,
  ...httpOptions,
  ...limitOptions,
});

type Options = z.output<typeof options>;

/** Bytes; a longer message becomes an attachment. */
const MESSAGE_LIMIT = 4096;

/** 5 rings until somebody looks, 2 makes no sound. */
const PRIORITIES = { critical: 5, warning: 4, info: 3, resolved: 2, ended: 3 };
const TAGS = {
  critical: 'rotating_light',
  warning: 'warning',
  info: 'information_source',
  resolved: 'white_check_mark',
  ended: 'grey_question',
};

/** The body of a message. */
export function ntfyBody(
  notification: Notification,
  { topic, ...words }: Words & { readonly topic: string },
) {
  const message = messageIn(words, notification);
  return {
    topic,
    title: message.headline,
    message: withinBytes(plainText({ ...message, link: null }), MESSAGE_LIMIT),
    priority: PRIORITIES[message.tone],
    tags: [TAGS[message.tone]],
    ...(message.link === null ? {} : { click: message.link }),
  };
}

export const ntfy: Notifier<Options> = {
  name: 'ntfy',
  summary: 'A topic of ntfy, on ntfy.sh or a server of your own.',
  options,
  create: (name, o, clock) =>
    postingReceiver(name, o, clock, notification => ({
      body: ntfyBody(notification, o),
      headers: o.token === '' ? {} : { authorization: `Bearer ${o.token}` },
    })),
};
