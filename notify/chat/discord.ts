import { z } from 'zod';
import { isoTime } from '../../core/clock.ts';
import type { Notification } from '../../core/incident/incident.ts';
import type { Notifier } from '../contract.ts';
import { httpOptions, urlOption } from '../shared/http.ts';
import { limitOptions } from '../shared/limits.ts';
import type { Message } from '../shared/message.ts';
import { postingReceiver } from '../shared/preset.ts';
import { messageIn, type Words, wordOptions } from '../shared/template.ts';

/**
 * Discord, by a webhook of a channel (docs.discord.com/developers/resources/webhook, "Execute Webhook"; limits of an
 * embed: docs.discord.com/developers/resources/message, "Embed Limits").
 */

const options = z.strictObject({
  url: urlOption().describe('The address of the webhook.'),
  ...wordOptions,
  ...httpOptions,
  ...limitOptions,
});

type Options = z.output<typeof options>;

/** Less than Discord takes of each, so that all of them stay below the 6000 characters of an embed. */
const LIMITS = { title: 256, description: 900, value: 500 };
/** Of a description without fields beside it. */
const ALONE = 4000;

/** 0xRRGGBB. */
const COLORS = {
  critical: 0xd0_31_2d,
  warning: 0xe8_a3_17,
  info: 0x4a_90_d9,
  resolved: 0x2e_a0_43,
  ended: 0x80_80_80,
};

/** Markdown of Discord takes a backslash before any punctuation as: this character, and nothing else. */
const escaped = (text: string): string => text.replace(/[!-/:-@[-`{-~]/g, '\\$&');

/** Cut before it is escaped: half of an escape would be markup again. */
const within = (text: string, limit: number): string => {
  for (let length = text.length; ; length = Math.floor(length * 0.9)) {
    const cut = length === text.length ? text : `${text.slice(0, length).toWellFormed()}…`;
    if (escaped(cut).length <= limit) return escaped(cut);
  }
};

/** Discord refuses the whole message for an address whose host has no dot in it. */
const isLink = (link: string | null): link is string => link !== null && new URL(link).hostname.includes('.');

const colorOf = ({ tone }: Message): number => COLORS[tone];

/** The body of a message: one embed, and nobody mentioned whatever is in it. */
export function discordBody(notification: Notification, words: Words = {}) {
  const message = messageIn(words, notification);
  const embed = {
    title: within(message.headline, LIMITS.title),
    description: within(message.summary, message.facts.length === 0 ? ALONE : LIMITS.description),
    color: colorOf(message),
    ...(isLink(message.link) ? { url: message.link } : {}),
    fields: message.facts.map(({ name, text }) => ({
      name,
      value: within(text, LIMITS.value),
      inline: false,
    })),
    timestamp: isoTime(notification.incident.start),
  };
  return { embeds: [embed], allowed_mentions: { parse: [] } };
}

export const discord: Notifier<Options> = {
  name: 'discord',
  summary: 'A channel of Discord, by a webhook.',
  options,
  create: (name, o, clock) =>
    postingReceiver(name, o, clock, notification => ({ body: discordBody(notification, o) })),
};
