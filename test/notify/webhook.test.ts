import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { systemClock } from '../../core/clock.ts';
import type { Outcome } from '../../notify/contract.ts';
import { createReceivers, NOTIFIERS } from '../../notify/index.ts';
import { payloadOf, payloadSchema } from '../../notify/payload.ts';
import { secretBytes, signatureHeaders } from '../../notify/signature.ts';
import { webhook } from '../../notify/webhook.ts';
import { ManualClock } from '../parts/clock.ts';
import { incidentOf, notificationOf, resolved } from '../parts/incidents.ts';
import { freePort } from '../parts/process.ts';

/** Stands still for signatures; its sleeps are real, as the servers are. */
class StandingClock extends ManualClock {
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }
}

const clock = new StandingClock();
const never = new AbortController().signal;
const incident = incidentOf(1_700_000_000_000);
const message = notificationOf(incident, 'ops');
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let close: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(close.map(one => one()));
  close = [];
});

const listen = async (server: Server | TcpServer): Promise<string> => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
};

/** A real HTTP server that answers as it is told and keeps what it was sent. */
async function serve(answer: (response: ServerResponse) => void): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', text => {
      body += text;
    });
    request.on('end', () => {
      seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
      answer(response);
    });
  });
  const url = await listen(server);
  close.push(
    () =>
      new Promise(resolve => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return { url, seen };
}

/** A real TCP server that does what it likes with a connection. */
async function serveRaw(talk: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('data', () => talk(socket));
  });
  close.push(
    () =>
      new Promise(resolve => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  );
  return listen(server);
}

const receiver = (url: string, more: Record<string, unknown> = {}) =>
  webhook.create('ops', webhook.options.parse({ url, timeout: '20s', ...more }), clock);
const deliver = (url: string, more: Record<string, unknown> = {}): Promise<Outcome> =>
  receiver(url, more).deliver(message, never);

describe('what is sent', () => {
  it('is documented JSON with the key of the notification and the time of the attempt', async () => {
    const { url, seen } = await serve(response => response.writeHead(204).end());
    expect(await deliver(`${url}/hook?a=1`, { headers: { Authorization: 'Bearer x' } })).toEqual({
      kind: 'accepted',
    });
    const [request] = seen;
    expect(request).toMatchObject({ method: 'POST', url: '/hook?a=1' });
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      authorization: 'Bearer x',
      'webhook-id': message.key,
      'webhook-timestamp': '1700000000',
    });
    expect(request?.headers['webhook-signature']).toBeUndefined();
    const body = payloadSchema.parse(JSON.parse(request?.body ?? ''));
    expect(body).toEqual(payloadOf(message));
    expect(body.text).toBe(
      '[WARNING] shop: bytes sent 12 MiB/s, expected up to 1.4 MiB/s (host web-1, since 2023-11-14T22:13:20.000Z)',
    );
    expect(body.incident.findings[0]).toMatchObject({
      expected_low: null,
      expected_high: 1.4e6,
      unit: 'B/s',
    });
  });

  it('is signed so that a receiver can check the body it got', async () => {
    const { url, seen } = await serve(response => response.end('ok'));
    await deliver(url, { secret: SECRET });
    const { headers = {}, body = '' }: Partial<Seen> = seen[0] ?? {};
    const expected = signatureHeaders(secretBytes(SECRET) ?? Buffer.alloc(0), {
      id: String(headers['webhook-id']),
      seconds: Number(headers['webhook-timestamp']),
      body,
    });
    expect(headers['webhook-signature']).toBe(expected['webhook-signature']);
  });

  it('says that an incident is over', () => {
    const over = payloadOf(notificationOf(resolved(incident), 'ops'));
    expect(over).toMatchObject({ status: 'resolved', incident: { resolved_at: '2023-11-14T22:14:20.000Z' } });
    expect(over.text).toMatch(/^\[RESOLVED\] shop: /);
  });

  it('carries hostile names unchanged as JSON, and none of their control characters in the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), name => {
        const hostile = incidentOf(0, { container: name, service: name, host: name, title: name });
        const payload = payloadOf(notificationOf(hostile, 'ops'));
        expect(payloadSchema.parse(JSON.parse(JSON.stringify(payload))).incident).toMatchObject({
          container: name,
          service: name,
          host: name,
        });
        expect(payload.text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>]/u);
      }),
    );
  });

  it('calls nobody in a chat, whatever a container is named', () => {
    const title = '<!channel> @here @Everyone <@U1> a&b user@1000.service: bytes';
    const hostile = incidentOf(0, { container: title, title });
    const payload = payloadOf(notificationOf(hostile, 'ops'));
    expect(payload.text).toContain(
      '&lt;!channel&gt; \uff20here \uff20Everyone &lt;@U1&gt; a&amp;b user@1000.service: bytes',
    );
    expect(payload.incident).toMatchObject({ container: title, title });
  });

  it('documents each key', () => {
    expect(JSON.stringify(z.toJSONSchema(payloadSchema))).toContain('ignore a known one');
  });
});

describe('signatures', () => {
  it('match the test vector of the Standard Webhooks libraries', () => {
    const headers = signatureHeaders(secretBytes(SECRET) ?? Buffer.alloc(0), {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      seconds: 1_614_265_330,
      body: '{"test": 2432232314}',
    });
    expect(headers).toEqual({ 'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=' });
  });

  it.each([
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'whsec_',
    'whsec_c2hvcnQ=',
    'whsec_MfKQ9r8G*YqrTwjUPD8ILPZIo2LaLaSw',
  ])('refuse the secret %s', secret => expect(secretBytes(secret)).toBeNull());
});

describe('answers', () => {
  const answering = async (status: number, headers: Record<string, string> = {}, body = '') => {
    const { url, seen } = await serve(response => response.writeHead(status, headers).end(body));
    const outcome = await deliver(url);
    expect(seen).toHaveLength(1);
    return outcome;
  };

  it.each([200, 201, 202, 204])('%i is accepted', async status => {
    expect(await answering(status)).toEqual({ kind: 'accepted' });
  });

  it.each([408, 425, 429, 500, 502, 503, 504])('%i is to be tried again', async status => {
    expect(await answering(status, {}, 'busy\u0007\n')).toEqual({
      kind: 'retry',
      reason: `HTTP ${status}: busy\\x07`,
    });
  });

  it.each([400, 401, 403, 404, 410, 413, 422])('%i is refused', async status => {
    expect(await answering(status)).toEqual({ kind: 'refused', reason: `HTTP ${status}` });
  });

  it.each([301, 302, 303, 307, 308])('%i is refused, not followed', async status => {
    const outcome = await answering(status, { location: 'http://192.0.2.1/stolen' });
    expect(outcome).toEqual({
      kind: 'refused',
      reason: `HTTP ${status}: redirected to http://192.0.2.1/stolen; redirects are not followed, configure the final address`,
    });
  });

  it.each([
    ['30', 30_000],
    ['0', 0],
    ['999999999', 3_600_000],
    ['Tue, 14 Nov 2023 22:14:20 GMT', 60_000],
    ['Tue, 14 Nov 2000 22:14:20 GMT', 0],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
  ])('Retry-After: %s', async (header, afterMs) => {
    const outcome = await answering(503, { 'retry-after': header });
    expect(outcome).toEqual({
      kind: 'retry',
      reason: 'HTTP 503',
      ...(afterMs === undefined ? {} : { afterMs }),
    });
  });

  it('of any size are read only in their beginning', async () => {
    let written = 0;
    const { url } = await serve(response => {
      response.writeHead(400);
      const more = () => {
        while (!response.destroyed && written < 1e9) {
          written += 65_536;
          if (!response.write('x'.repeat(65_536))) {
            response.once('drain', more);
            return;
          }
        }
      };
      more();
    });
    const outcome = await deliver(url);
    expect(outcome.kind).toBe('refused');
    expect(outcome.kind === 'refused' && outcome.reason.length).toBeLessThan(300);
    expect(written).toBeLessThan(50e6);
  });
});

describe('failures', () => {
  it('a refused connection is to be tried again', async () => {
    const outcome = await deliver(`http://127.0.0.1:${await freePort()}`);
    expect(outcome).toEqual({ kind: 'retry', reason: expect.stringContaining('ECONNREFUSED') });
  });

  it('a reset connection is to be tried again', async () => {
    const outcome = await deliver(await serveRaw(socket => socket.resetAndDestroy()));
    expect(outcome).toEqual({ kind: 'retry', reason: expect.stringMatching(/ECONNRESET|other side closed/) });
  });

  it('a connection closed without an answer is to be tried again', async () => {
    expect((await deliver(await serveRaw(socket => socket.end()))).kind).toBe('retry');
  });

  it('a half of an answer is to be tried again', async () => {
    const url = await serveRaw(socket => socket.end('HTTP/1.1 20'));
    expect((await deliver(url)).kind).toBe('retry');
  });

  it('something that is no HTTP is to be tried again', async () => {
    expect((await deliver(await serveRaw(socket => socket.end('\x00\xff garbage\r\n\r\n')))).kind).toBe(
      'retry',
    );
  });

  it('the status decides even when the body breaks off', async () => {
    const url = await serveRaw(socket =>
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nhalf'),
    );
    expect(await deliver(url)).toEqual({ kind: 'refused', reason: expect.stringMatching(/^HTTP 404/) });
  });

  it.each([
    ['no answer', () => {}],
    ['an answer that never ends', (socket: Socket) => void socket.write('HTTP/1.1 200 OK\r\nX: ')],
  ])('%s is given up after the time-out', async (_, talk) => {
    const outcome = await deliver(await serveRaw(talk), { timeout: '100ms' });
    expect(outcome).toEqual({ kind: 'retry', reason: 'no answer in time' });
  });

  it('a body that never ends does not outlast the time-out', async () => {
    const url = await serveRaw(
      socket => void socket.write('HTTP/1.1 500 No\r\nContent-Length: 99\r\n\r\nhalf'),
    );
    // Long enough for the beginning of the answer.
    expect(await deliver(url, { timeout: '2s' })).toEqual({
      kind: 'retry',
      reason: expect.stringMatching(/^HTTP 500/),
    });
  });

  it('being told to stop is to be tried again', async () => {
    const stop = new AbortController();
    const url = await serveRaw(() => stop.abort());
    expect((await receiver(url).deliver(message, stop.signal)).kind).toBe('retry');
    expect((await receiver(url).deliver(message, AbortSignal.abort())).kind).toBe('retry');
  });

  it('a server that is back answers the next attempt', async () => {
    const { url, seen } = await serve(response => response.writeHead(seen.length === 1 ? 503 : 200).end());
    const there = receiver(url);
    expect((await there.deliver(message, never)).kind).toBe('retry');
    expect((await there.deliver(message, never)).kind).toBe('accepted');
    expect(seen[0]?.headers['webhook-id']).toBe(seen[1]?.headers['webhook-id']);
    expect(seen[0]?.body).toBe(seen[1]?.body);
  });
});

describe('options', () => {
  const problem = (written: Record<string, unknown>) =>
    webhook.options
      .safeParse({ url: 'http://a/', ...written })
      .error?.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`)
      .join();

  it('refuse what cannot work, saying what is expected', () => {
    expect(problem({})).toBeUndefined();
    expect(problem({ url: 'ftp://a/' })).toMatch(/http:\/\/ or https:\/\//);
    expect(problem({ url: 'http://me:secret@a/' })).toMatch(/without user and password/);
    expect(problem({ timeout: '10ms' })).toBe('timeout: at least 100ms and at most 5m');
    expect(problem({ secret: 'hunter2' })).toMatch(/whsec_/);
    expect(problem({ headers: { 'Webhook-Id': 'x' } })).toBe('headers.Webhook-Id: Invalid key in record');
    expect(problem({ headers: { 'bad name': 'x' } })).toBe('headers.bad name: Invalid key in record');
    expect(problem({ headers: { X: 'a\r\nInjected: 1' } })).toBe(
      'headers.X: up to 4096 printable ASCII characters',
    );
  });

  it('do not show secrets in the address', () => {
    const address = (url: string) => receiver(url).address;
    expect(address('https://hooks.example/services/T0/B1/token?key=1')).toBe('https://hooks.example/…');
    expect(address('http://127.0.0.1:9/')).toBe('http://127.0.0.1:9');
  });
});

describe('the table', () => {
  it('makes the configured receivers', () => {
    const options = webhook.options.parse({ url: 'http://a/' });
    expect(createReceivers([{ use: 'webhook', name: 'ops', options }], clock).map(one => one.name)).toEqual([
      'ops',
    ]);
    expect(() => createReceivers([{ use: 'pigeon', name: 'x', options }], clock)).toThrow(
      /receivers\.0\.use/,
    );
    expect(new Set(NOTIFIERS.map(one => one.name)).size).toBe(NOTIFIERS.length);
  });
});
