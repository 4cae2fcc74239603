import type { Clock } from '../core/clock.ts';
import type { ReceiverConfig } from '../core/config/config.ts';
import { TidegaugeError } from '../core/errors.ts';
import { alertmanager } from './alertmanager.ts';
import { discord } from './chat/discord.ts';
import { googleChat } from './chat/google-chat.ts';
import { mattermost } from './chat/mattermost.ts';
import { slack } from './chat/slack.ts';
import { teams } from './chat/teams.ts';
import type { Notifier, Receiver, Told } from './contract.ts';
import { email } from './email.ts';
import { exec } from './exec.ts';
import { grafana } from './grafana.ts';
import { ntfy } from './ntfy.ts';
import { pagerduty } from './pagerduty.ts';
import { webhook } from './webhook.ts';

/** All kinds of receivers: what `use:` in `receivers:` can name. */
export const NOTIFIERS = [
  webhook,
  slack,
  teams,
  discord,
  googleChat,
  mattermost,
  ntfy,
  pagerduty,
  alertmanager,
  grafana,
  email,
  exec,
] as readonly Notifier<unknown>[];

/**
 * The configured receivers; their messages link to `page`, the address of the page, unless it is empty. Throws a
 * TidegaugeError when one names a kind that is not in the table.
 */
export function createReceivers(configs: readonly ReceiverConfig[], clock: Clock, page = ''): Receiver[] {
  return configs.map((config, i) => {
    const notifier = NOTIFIERS.find(one => one.name === config.use);
    if (notifier) return linkingTo(page, notifier.create(config.name, config.options, clock));
    throw new TidegaugeError({
      place: `receivers.${i}.use`,
      expected: `one of ${NOTIFIERS.map(one => one.name).join(', ')}`,
      found: config.use,
      remedy: 'Name a receiver that exists.',
    });
  });
}

function linkingTo(page: string, receiver: Receiver): Receiver {
  const { repetition } = receiver;
  const linked = (told: Told): Told => ({ ...told, page });
  return {
    ...receiver,
    deliver: (told, signal) => receiver.deliver(linked(told), signal),
    ...(repetition && {
      repetition: {
        ...repetition,
        send: (all: readonly Told[], signal: AbortSignal) => repetition.send(all.map(linked), signal),
      },
    }),
  };
}
