import { createTransport } from 'nodemailer';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { withDeadline } from '../core/deadline.ts';
import { describeError, errorCode, printable } from '../core/errors.ts';
import { type Notification, notificationKey } from '../core/incident/incident.ts';
import type { DeliveryResult, Notifier, Receiver } from './contract.ts';
import { caOption, timeoutOption, trustedBesides } from './shared/http.ts';
import { limitOptions, limitsOf } from './shared/limits.ts';
import { plainText } from './shared/message.ts';
import { messageIn, wordOptions } from './shared/template.ts';

/** Mail by SMTP. The end of an incident answers the mail of its beginning, so that both are one thread. */

const mailbox = z
  .string()
  .regex(/^[^\s<>"(),:;[\]\\@]{1,64}@[A-Za-z0-9.-]{1,253}$/, 'an address such as ops@example.org');

const options = z
  .strictObject({
    server: z
      .string()
      .regex(/^[A-Za-z0-9.-]{1,253}$/, 'the name or IPv4 address of a server')
      .describe('The mail server that takes messages.'),
    port: z.int().min(1).max(65_535).default(587).describe('Its port.'),
    security: z
      .enum(['starttls', 'tls', 'none'])
      .default('starttls')
      .describe('`tls` from the first byte on (port 465), `starttls` always, or `none`.'),
    username: z.string().default('').describe('User; empty: without authentication.'),
    password: z.string().default('').describe('Password.'),
    from: mailbox.describe('Sender.'),
    to: z.array(mailbox).min(1).max(50).describe('Recipients.'),
    ...wordOptions,
    timeout: timeoutOption,
    ca: caOption,
    ...limitOptions,
  })
  .refine(({ security, username }) => security !== 'none' || username === '', {
    path: ['security'],
    message: 'starttls or tls, as a password goes over encrypted connections only',
  });

type Options = z.output<typeof options>;

/** Message ids end like an address; the part before is the key of the message. */
const messageId = (key: string): string => `<${key}@tidegauge.invalid>`;

const firstLine = (text: string): string => text.split('\n')[0] ?? '';

/** The mail about a notification. */
export function mailOf(
  notification: Notification,
  { from, to, ...words }: Pick<Options, 'from' | 'to' | 'title' | 'text'>,
  now: number,
) {
  const { key, status, receiver, incident } = notification;
  const message = messageIn(words, notification);
  const first = messageId(notificationKey(incident.id, receiver, 'firing'));
  return {
    // As objects, so that nothing is taken for more than one address.
    from: { name: 'tidegauge', address: from },
    to: to.map(address => ({ name: '', address })),
    subject:
      words.title === undefined ? `[${message.headline}] ${firstLine(message.summary)}` : message.headline,
    text: `${plainText(message)}\n`,
    date: new Date(now),
    messageId: messageId(key),
    ...(status === 'resolved' ? { inReplyTo: first, references: [first] } : {}),
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function create(name: string, o: Options, clock: Clock): Receiver {
  const ca = trustedBesides(name, o.ca);
  const settings = {
    host: o.server,
    port: o.port,
    secure: o.security === 'tls',
    requireTLS: o.security === 'starttls',
    ignoreTLS: o.security === 'none',
    ...(o.username === '' ? {} : { auth: { user: o.username, pass: o.password } }),
    ...(ca ? { tls: { ca } } : {}),
    connectionTimeout: o.timeout,
    greetingTimeout: o.timeout,
    socketTimeout: o.timeout,
    dnsTimeout: o.timeout,
  };

  async function attempt(notification: Notification, signal: AbortSignal): Promise<DeliveryResult> {
    const transport = createTransport(settings);
    const stopped = new Promise<never>((_, reject) => {
      const stop = () => reject(signal.reason);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
    try {
      const { rejected } = await Promise.race([
        transport.sendMail(mailOf(notification, o, clock.now())),
        stopped,
      ]);
      return rejected.length === 0 ? { kind: 'accepted' } : refusedFor(rejected);
    } catch (error) {
      return mailResultOf(error);
    } finally {
      transport.close();
    }
  }

  return {
    name,
    address: `${o.server}:${o.port}, to ${o.to.join(', ')}`,
    limits: limitsOf(o),
    takesGroups: true,
    deliver: (notification, signal) =>
      withDeadline(limit => attempt(notification, limit), { parent: signal, ms: o.timeout, clock }),
  };
}

/** The others have got it: sent again, they would get it twice. */
function refusedFor(rejected: readonly unknown[]): DeliveryResult {
  const names = printable(rejected.map(String).join(', '), 300);
  return { kind: 'refused', reason: `refused for ${names}; the other recipients have it` };
}

/** The one decision about a failed mail: replies of 5xx are final (RFC 5321, 4.2.1), all else is of the moment. */
export function mailResultOf(error: unknown): DeliveryResult {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return { kind: 'retry', reason: 'no answer in time' };
  const { responseCode } = (typeof error === 'object' && error !== null ? error : {}) as {
    responseCode?: unknown;
  };
  const text = describeError(error);
  const remedy =
    '. Name a file with the certificate of its authority in `ca`, or correct the name of the server';
  const reason = /certificate/i.test(text) ? text + remedy : text;
  const isFinal = typeof responseCode === 'number' && responseCode >= 500;
  // Nothing was said yet that another attempt would change: such as a server that knows no authentication.
  const isUnable = errorCode(error) === 'EAUTH' && responseCode === undefined;
  return { kind: isFinal || isUnable ? 'refused' : 'retry', reason };
}

export const email: Notifier<Options> = {
  name: 'email',
  summary: 'Mail, by an SMTP server.',
  options,
  create,
};
