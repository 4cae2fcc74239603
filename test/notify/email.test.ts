import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { email } from '../../notify/email.ts';
import { incidentOf, notificationOf, resolved } from '../data/incidents.ts';
import { makeCertificates } from '../parts/certificates.ts';
import { freePort, temporaryFolder } from '../parts/process.ts';
import { clock, incident, message, never } from './fixture.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const certificates = makeCertificates(folder.path);

let server: SMTPServer | undefined;
afterEach(async () => {
  const open = server;
  server = undefined;
  if (open) await new Promise<void>(resolve => open.close(() => resolve()));
});

interface Mail {
  readonly to: readonly string[];
  readonly text: string;
  readonly secure: boolean;
  readonly user: unknown;
}

/** A real mail server that keeps what it is sent. */
async function serve(options: SMTPServerOptions = {}): Promise<{ port: number; mails: Mail[] }> {
  const mails: Mail[] = [];
  const started = new SMTPServer({
    ...certificates.server,
    authOptional: true,
    disableReverseLookup: true,
    onAuth: ({ username, password }, _, done) =>
      password === 'right' ? done(null, { user: username }) : done(new Error('wrong password')),
    onData(stream, session, done) {
      let text = '';
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        mails.push({ to, text, secure: session.secure, user: session.user });
        done();
      });
    },
    ...options,
  });
  server = started;
  started.on('error', () => undefined);
  await new Promise<void>(resolve => started.listen(0, '127.0.0.1', () => resolve()));
  return { port: (started.server.address() as AddressInfo).port, mails };
}

const receiverAt = (port: number, more: object = {}) => {
  const common = { server: '127.0.0.1', port, from: 'tidegauge@example.org', to: ['ops@example.org'] };
  const options = email.options.parse({ ...common, timeout: '20s', ca: certificates.ca, ...more });
  return email.create('ops', options, clock);
};

const headersOf = (mail: Mail | undefined): Record<string, string> => {
  const [head = ''] = mail?.text.split('\r\n\r\n') ?? [];
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  return Object.fromEntries(lines.map(each => each.split(/: (.*)/s).slice(0, 2) as [string, string]));
};

const failing = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode });

describe('mail', () => {
  it('goes over TLS to all recipients, and its end is an answer to its beginning', async () => {
    const { port, mails } = await serve();
    const receiver = receiverAt(port, {
      ...{ username: 'me', password: 'right', to: ['ops@example.org', 'night@example.org'] },
    });
    for (const each of [message, notificationOf(resolved(incident), 'ops')])
      expect(await receiver.deliver(each, never)).toEqual({ kind: 'accepted' });
    expect(mails.map(({ secure, user, to }) => [secure, user, to])).toEqual(
      Array(2).fill([true, 'me', ['ops@example.org', 'night@example.org']]),
    );
    const [first, over] = mails.map(headersOf);
    expect(first).toMatchObject({
      Subject: '[WARNING: shop] shop: bytes sent 12 MiB/s, expected up to 1.4 MiB/s',
      'Message-ID': `<${message.key}@tidegauge.invalid>`,
      'Auto-Submitted': 'auto-generated',
    });
    expect(over).toMatchObject({
      Subject: '[RESOLVED: shop] lasted 5s, 2023-11-14 22:13:20 to 22:13:25 UTC',
      'In-Reply-To': first?.['Message-ID'],
      References: first?.['Message-ID'],
    });
    expect(mails[0]?.text).toContain('Where: container shop, service shop/web, host web-1');
  });

  it('goes over TLS from the first byte on', async () => {
    const { port, mails } = await serve({ secure: true });
    expect(await receiverAt(port, { security: 'tls' }).deliver(message, never)).toEqual({ kind: 'accepted' });
    expect(mails).toHaveLength(1);
  });

  it('does not go unencrypted unless that is configured', async () => {
    const { port, mails } = await serve({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] });
    expect((await receiverAt(port).deliver(message, never)).kind).not.toBe('accepted');
    expect(mails).toEqual([]);
    expect(await receiverAt(port, { security: 'none' }).deliver(message, never)).toEqual({
      kind: 'accepted',
    });
  });

  it('is refused for good by 5xx, to be tried again after 4xx', async () => {
    const { port } = await serve({ onMailFrom: (_, __, done) => done(failing(550, 'no such sender')) });
    expect(await receiverAt(port).deliver(message, never)).toEqual({
      kind: 'refused',
      reason: expect.stringContaining('550 no such sender'),
    });
    await new Promise<void>(resolve => server?.close(() => resolve()));
    const busy = await serve({ onMailFrom: (_, __, done) => done(failing(451, 'come back later')) });
    expect(await receiverAt(busy.port).deliver(message, never)).toEqual({
      kind: 'retry',
      reason: expect.stringContaining('451 come back later'),
    });
  });

  it('with a wrong password is refused, and the password is not told', async () => {
    const { port } = await serve();
    const result = await receiverAt(port, { username: 'me', password: 'hunter2secret' }).deliver(
      message,
      never,
    );
    expect(result).toEqual({ kind: 'refused', reason: expect.stringMatching(/wrong password/) });
    expect(JSON.stringify(result)).not.toContain('hunter2secret');
  });

  it('that one recipient did not get says so', async () => {
    const { port, mails } = await serve({
      onRcptTo: ({ address }, _, done) =>
        address.startsWith('gone') ? done(failing(550, 'no such user')) : done(),
    });
    const to = ['ops@example.org', 'gone@example.org'];
    expect(await receiverAt(port, { to }).deliver(message, never)).toEqual({
      kind: 'refused',
      reason: 'refused for gone@example.org; the other recipients have it',
    });
    expect(mails).toHaveLength(1);
  });

  it('to a server that is away, or that is not trusted, is to be tried again', async () => {
    expect((await receiverAt(await freePort()).deliver(message, never)).kind).toBe('retry');
    const { port } = await serve();
    expect(await receiverAt(port, { ca: '' }).deliver(message, never)).toEqual({
      kind: 'retry',
      reason: expect.stringMatching(
        /certificate.* Name a file with the certificate of its authority in `ca`/,
      ),
    });
  });

  it('to a server that never answers is given up after the time-out', async () => {
    const { port } = await serve({ onConnect: () => undefined });
    expect(await receiverAt(port, { timeout: '300ms' }).deliver(message, never)).toEqual({
      kind: 'retry',
      reason: 'no answer in time',
    });
  });

  it('has no header and no recipient that a name made up', async () => {
    const { port, mails } = await serve();
    const receiver = receiverAt(port, { security: 'none' });
    const nasty = fc.constantFrom(
      'a\r\nBcc: x@y',
      '<x@y>, z@y',
      '\u202eevil',
      '"',
      '=?utf-8?q?x?=',
      '\r\n.\r\n',
    );
    const text = fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 300 }));
    await fc.assert(
      fc.asyncProperty(text, async name => {
        const hostile = incidentOf(0, { container: name, service: name, host: name, title: name });
        expect(await receiver.deliver(notificationOf(hostile, 'ops'), never)).toEqual({ kind: 'accepted' });
        const mail = mails.pop();
        expect(mail?.to).toEqual(['ops@example.org']);
        expect(Object.keys(headersOf(mail)).map(key => key.toLowerCase())).not.toContain('bcc');
      }),
      { numRuns: 25 },
    );
  });
});

describe('options', () => {
  it('refuse a password without encryption, and what is no address', () => {
    const common = { server: 'mail', from: 'a@b.example', to: ['c@d.example'] };
    const problem = (more: object) =>
      email.options.safeParse({ ...common, ...more }).error?.issues.map(({ path }) => path.join('.'));
    expect(problem({})).toBeUndefined();
    expect(problem({ security: 'none', username: 'me' })).toEqual(['security']);
    expect(problem({ to: [] })).toEqual(['to']);
    expect(problem({ to: ['a@b, c@d'] })).toEqual(['to.0']);
    expect(problem({ from: 'x\r\nBcc: y@z' })).toEqual(['from']);
  });
});
