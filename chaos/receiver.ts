import { createServer } from 'node:http';
import type { Random } from '../test/parts/random.ts';

/** A receiver of webhooks that is out of order for every fifth attempt, and remembers what it accepted. */
export interface ChaosReceiver {
  readonly url: string;
  /** Keys of accepted deliveries, and how many attempts came with one that was accepted before. */
  readonly accepted: ReadonlySet<string>;
  readonly repeated: number;
  stop(): Promise<void>;
}

export async function startReceiver(random: Random): Promise<ChaosReceiver> {
  const accepted = new Set<string>();
  let repeated = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const key = String(request.headers['webhook-id']);
      if (random.next() < 0.2) {
        response.writeHead(503).end();
        return;
      }
      if (accepted.has(key)) repeated++;
      accepted.add(key);
      response.end('ok');
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    accepted,
    get repeated() {
      return repeated;
    },
    stop: () =>
      new Promise(resolve => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
