import { z } from 'zod';
import type { Notification } from '../../core/incident/incident.ts';
import type { Notifier } from '../contract.ts';
import { httpOptions, urlOption } from '../shared/http.ts';
import { limitOptions } from '../shared/limits.ts';
import { LINK_TEXT } from '../shared/message.ts';
import { postingReceiver } from '../shared/preset.ts';
import { messageIn, type Words, wordOptions } from '../shared/template.ts';

/**
 * Microsoft Teams, by the workflow "Send webhook alerts to a channel": an adaptive card in a message
 * (support.microsoft.com, "Create incoming webhooks with Workflows for Microsoft Teams"; adaptivecards.io/explorer). Of
 * all texts of a card only those of a RichTextBlock know no Markdown.
 */

const options = z.strictObject({
  url: urlOption().describe('The address that the workflow has been given.'),
  ...wordOptions,
  ...httpOptions,
  ...limitOptions,
});

type Options = z.output<typeof options>;

const COLORS = {
  critical: 'Attention',
  warning: 'Warning',
  info: 'Accent',
  resolved: 'Good',
  ended: 'Default',
} as const;

/** `{{` begins a function of dates, `${` a template, `<at>` a mention: none of them does with a space in it. */
const inert = (text: string): string =>
  text
    .replace(/\{(?=\{)/g, '{ ')
    .replace(/\$(?=\{)/g, '$ ')
    .replace(/<(?=\/?at\b)/gi, '< ');

const run = (text: string, style: object = {}) => ({ type: 'TextRun', text: inert(text), ...style });
const block = (...inlines: object[]) => ({ type: 'RichTextBlock', inlines });

/** The body of a message: an adaptive card of the version that Teams shows everywhere. */
export function teamsBody(notification: Notification, words: Words = {}) {
  const { tone, headline, summary, facts, link } = messageIn(words, notification);
  const color = COLORS[tone];
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          msteams: { width: 'Full' },
          body: [
            block(run(headline, { size: 'Large', weight: 'Bolder', color })),
            ...summary.split('\n').map(text => block(run(text))),
            ...facts.map(({ name, text }) => block(run(`${name}: `, { weight: 'Bolder' }), run(text))),
          ],
          ...(link === null ? {} : { actions: [{ type: 'Action.OpenUrl', title: LINK_TEXT, url: link }] }),
        },
      },
    ],
  };
}

export const teams: Notifier<Options> = {
  name: 'teams',
  summary: 'A channel of Microsoft Teams, by a workflow that takes webhooks.',
  options,
  create: (name, o, clock) =>
    postingReceiver(name, o, clock, notification => ({ body: teamsBody(notification, o) })),
};
