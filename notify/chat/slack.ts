import { z } from 'zod';
import type { Notification } from '../../core/incident/incident.ts';
import type { Notifier } from '../contract.ts';
import { httpOptions, urlOption } from '../shared/http.ts';
import { limitOptions } from '../shared/limits.ts';
import { LINK_TEXT } from '../shared/message.ts';
import { postingReceiver } from '../shared/preset.ts';
import { messageIn, type Words, wordOptions } from '../shared/template.ts';

/**
 * Slack, by an incoming webhook (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks; limits of blocks:
 * docs.slack.dev/reference/block-kit/blocks). Blocks are plain text, in which Slack takes nothing for markup,
 * but for the link to the page.
 */

const options = z.strictObject({
  url: urlOption().describe('The address of the incoming webhook.'),
  ...wordOptions,
  ...httpOptions,
  ...limitOptions,
});

type Options = z.output<typeof options>;

const plain = (text: string) => ({ type: 'plain_text', text, emoji: false });

/** As Slack wants text that must not be markup: no mention, link or channel is left in it. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The body of a message. `text` is what notifications on a phone show. */
export function slackBody(notification: Notification, words: Words = {}) {
  const { headline, summary, facts, link } = messageIn(words, notification);
  const fields = facts.map(({ name, text }) => plain(`${name}: ${text}`));
  return {
    text: escaped(`${headline}: ${summary}`),
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: plain(headline) },
      { type: 'section', text: plain(summary) },
      ...fields.map(text => ({ type: 'context', elements: [text] })),
      ...(link === null
        ? []
        : [{ type: 'context', elements: [{ type: 'mrkdwn', text: `<${link}|${LINK_TEXT}>` }] }]),
    ],
  };
}

export const slack: Notifier<Options> = {
  name: 'slack',
  summary: 'A channel of Slack, by an incoming webhook.',
  options,
  create: (name, o, clock) =>
    postingReceiver(name, o, clock, notification => ({ body: slackBody(notification, o) })),
};
