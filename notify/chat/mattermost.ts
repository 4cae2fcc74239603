import { z } from 'zod';
import type { Notification } from '../../core/incident/incident.ts';
import type { Notifier } from '../contract.ts';
import { httpOptions, urlOption } from '../shared/http.ts';
import { limitOptions } from '../shared/limits.ts';
import { LINK_TEXT } from '../shared/message.ts';
import { postingReceiver } from '../shared/preset.ts';
import { messageIn, type Words, wordOptions } from '../shared/template.ts';

/**
 * Mattermost, by an incoming webhook (developers.mattermost.com/integrate/webhooks/incoming). It takes Markdown, and what
 * Slack has in angle brackets; in code nothing is markup and nobody is mentioned.
 */

const options = z.strictObject({
  url: urlOption().describe('The address of the incoming webhook.'),
  ...wordOptions,
  ...httpOptions,
  ...limitOptions,
});

type Options = z.output<typeof options>;

/** Angle brackets, at signs and backticks are made their twins: they count before it is known what is code. */
const code = (text: string): string => {
  const twins = text
    .replaceAll('<', '\u2039')
    .replaceAll('>', '\u203a')
    .replaceAll('@', '\uff20')
    .replaceAll('`', '\u02cb');
  return `\`${twins}\``;
};

/** The body of a message. */
export function mattermostBody(notification: Notification, words: Words = {}) {
  const { headline, summary, facts, link } = messageIn(words, notification);
  const lines = facts.map(({ name, text }) => `- ${name}: ${code(text)}`);
  return {
    text: [
      `#### ${code(headline)}`,
      ...summary.split('\n').map(code),
      ...(lines.length > 0 ? ['', ...lines] : []),
      ...(link === null ? [] : ['', `[${LINK_TEXT}](${link})`]),
    ].join('\n'),
  };
}

export const mattermost: Notifier<Options> = {
  name: 'mattermost',
  summary: 'A channel of Mattermost, by an incoming webhook.',
  options,
  create: (name, o, clock) =>
    postingReceiver(name, o, clock, notification => ({ body: mattermostBody(notification, o) })),
};
