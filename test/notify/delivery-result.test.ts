import type { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { freePort } from '../parts/process.ts';
import { deliver, message, never, receiver, testServers } from './fixture.ts';

const { serve, serveRaw } = testServers();

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
