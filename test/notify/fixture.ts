import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { afterEach } from '@jest/globals';
import { systemClock } from '../../core/clock.ts';
import type { DeliveryResult, Told } from '../../notify/contract.ts';
import { webhook } from '../../notify/webhook.ts';
import { incidentOf, notificationOf } from '../data/incidents.ts';
import { ManualClock } from '../parts/clock.ts';

/** Stands still for signatures; its sleeps are real, as the servers are. */
class StandingClock extends ManualClock {
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }
}

export const clock = new StandingClock();
export const never = new AbortController().signal;
export const incident = incidentOf(1_700_000_000_000);
export const message = notificationOf(incident, 'ops');
/** A message about `size` incidents on a host; of more than five, the sixth is critical. */
export function groupOf(size: number): Told {
  const one = (n: number) =>
    notificationOf(
      incidentOf(n * 1000, {
        ...{ container: `shop-${n}`, title: `shop-${n} is busy`, score: n + 1 },
        severity: n === 5 ? 'critical' : 'warning',
      }),
      'ops',
    );
  return { ...one(0), others: Array.from({ length: size - 1 }, (_, i) => one(i + 1)) };
}

/** A request that was received. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const listen = async (server: Server | TcpServer): Promise<string> => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
};

/** Real servers, closed after each test of the file that asks for them. */
export function testServers() {
  let close: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(close.map(one => one()));
    close = [];
  });

  /** A real HTTP server that answers as it is told and keeps what it was sent. */
  const serve = async (
    answer: (response: ServerResponse) => void,
  ): Promise<{ url: string; seen: Seen[] }> => {
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
  };

  /** A real TCP server that does what it likes with a connection. */
  const serveRaw = async (talk: (socket: Socket) => void): Promise<string> => {
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
  };

  return { serve, serveRaw };
}

export const receiver = (url: string, more: Record<string, unknown> = {}) =>
  webhook.create('ops', webhook.options.parse({ url, timeout: '20s', ...more }), clock);
export const deliver = (url: string, more: Record<string, unknown> = {}): Promise<DeliveryResult> =>
  receiver(url, more).deliver(message, never);
