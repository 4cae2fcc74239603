import { printable } from '../../../core/errors.ts';
import type { TimeZone } from '../../../core/time-zone.ts';
import type { Story, Told } from '../../../http/api/resources/story/story.ts';
import { inZone } from '../incidents.ts';

/** Who was told of an incident and who was not, for people. */

export function toldLines(told: readonly Told[], zone: TimeZone): string[] {
  const accepted = told.filter(({ status }) => status === 'delivered');
  return accepted.length > 0 ? accepted.map(one => toldLine(one, zone)) : ['nobody so far'];
}

export function untoldLines({ told, untold }: Pick<Story, 'told' | 'untold'>, zone: TimeZone): string[] {
  if (told.length + untold.length === 0) return ['nobody: no receiver is configured'];
  const lines = [
    ...told.filter(({ status }) => status !== 'delivered').map(one => toldLine(one, zone)),
    ...untold.map(({ receiver, reason }) => `${printable(receiver)}: ${reason}`),
  ];
  return lines.length > 0 ? lines : ['everybody was told'];
}

const ABOUT = {
  reopened: 'fires again',
  worse: 'is critical',
  flapping: 'goes up and down',
  repeat: 'still fires',
  acknowledged: 'is acknowledged',
} as const;

/** What a message says. */
const aboutOf = ({ about, occasion, state }: Told): string => {
  if (about === 'resolved') return state === 'ended' ? 'ended' : 'is over';
  return occasion === null ? 'fires' : ABOUT[occasion];
};

/** `chat, that it fires: accepted at … at the first attempt, with 39 others`. */
const toldLine = (told: Told, zone: TimeZone): string =>
  `${printable(told.receiver)}, that it ${aboutOf(told)}: ${fateOf(told, zone)}`;

function fateOf(told: Told, zone: TimeZone): string {
  const { status, attempts, acceptedAt, nextAttempt, failingSince } = told;
  const reason = printable(inZone(told.reason ?? 'no reason is known', zone), 500);
  const times = attempts === 1 ? 'the first attempt' : `attempt ${attempts}`;
  const failing = failingSince === null ? '' : `, failing since ${zone.text(failingSince)}`;
  switch (status) {
    case 'delivered':
      return `accepted at ${zone.text(acceptedAt ?? 0)} at ${times}${groupText(told)}`;
    case 'dead':
      return `given up after ${attempts} attempts${failing}: ${reason}. \`tidegauge deliveries replay\` tries it again`;
    case 'held':
      return `held, ${reason}`;
    case 'grouped':
      return `waits for its message to be accepted${groupText(told)}`;
    case 'pending':
      if (attempts > 0)
        return `tried ${attempts} times${failing}, next at ${zone.text(nextAttempt ?? 0)}: ${reason}`;
      return told.reason === null ? 'is about to be sent' : `waits, ${reason}`;
    case 'silenced':
    case 'outdated':
      return `not sent, ${reason}`;
  }
}

const groupText = ({ key, message, members }: Told): string => {
  if (message !== key) return `, in the message ${printable(message)}`;
  return members.length === 0 ? '' : `, in one message with ${members.length} others`;
};
