import { z } from 'zod';
import type { Notification } from '../../core/incident/incident.ts';
import type { Notifier } from '../contract.ts';
import { httpOptions, urlOption } from '../shared/http.ts';
import { limitOptions } from '../shared/limits.ts';
import { LINK_TEXT } from '../shared/message.ts';
import { postingReceiver } from '../shared/preset.ts';
import { messageIn, type Words, wordOptions } from '../shared/template.ts';

/**
 * Google Chat, by a webhook of a space (developers.google.com/workspace/chat/quickstart/webhooks; cards:
 * developers.google.com/workspace/chat/api/reference/rest/v1/cards). Text of a card knows a few tags of HTML and no
 * mentions, which only the text beside cards has.
 */

const options = z.strictObject({
  url: urlOption().describe('The address of the webhook, with its `key` and `token`.'),
  ...wordOptions,
  ...httpOptions,
  ...limitOptions,
});

type Options = z.output<typeof options>;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** For text that is shown as it is: what would be a mention or a link is none with other brackets. */
const unbracketed = (text: string): string => text.replaceAll('<', '\u2039').replaceAll('>', '\u203a');

/** The body of a message: one card. */
export function googleChatBody(notification: Notification, words: Words = {}) {
  const { headline, summary, facts, link } = messageIn(words, notification);
  const paragraphs = summary.split('\n').map(text => ({ textParagraph: { text: escaped(text) } }));
  const widgets = facts.map(({ name, text }) => ({
    decoratedText: { topLabel: name, text: escaped(text), wrapText: true },
  }));
  return {
    fallbackText: unbracketed(`${headline}: ${summary}`),
    cardsV2: [
      {
        cardId: 'incident',
        card: {
          header: { title: unbracketed(headline) },
          sections: [{ widgets: [...paragraphs, ...widgets, ...buttonTo(link)] }],
        },
      },
    ],
  };
}

const buttonTo = (link: string | null) =>
  link === null
    ? []
    : [{ buttonList: { buttons: [{ text: LINK_TEXT, onClick: { openLink: { url: link } } }] } }];

export const googleChat: Notifier<Options> = {
  name: 'google-chat',
  summary: 'A space of Google Chat, by a webhook.',
  options,
  create: (name, o, clock) =>
    postingReceiver(name, o, clock, notification => ({ body: googleChatBody(notification, o) })),
};
