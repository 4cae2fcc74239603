import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { cgroupActors } from './cgroups.ts';
import { dockerActors } from './docker.ts';

/** What the outside server says when the leak is to begin: any byte. */
const LEAK = '!';

export interface DemoTraffic {
  readonly kind: string;
  /** Names of the actors; tidegauge shows them as containers, or as the last part of a cgroup's path. */
  readonly names: readonly string[];
  /** Let shop-db leak now. */
  leak(): void;
  end(): Promise<void>;
}

/**
 * A little shop on loopback: web asks api, api asks db; when told to, db sends far more than ever to an outside server, for
 * `leakMs`. In Docker containers where there is an Engine, else in plain cgroups.
 */
export async function startDemoTraffic(
  leakMs: number,
  docker: string,
  clock: Clock,
  log: Log,
): Promise<DemoTraffic> {
  const actors = (await dockerActors(docker, clock, log)) ?? (await cgroupActors());
  const sink = await startSink();
  const clients = new Set<Socket>();
  sink.on('connection', socket => {
    clients.add(socket);
    socket.once('close', () => clients.delete(socket));
  });
  try {
    const [db, api] = [await freePort(), await freePort()];
    await actors.start('shop-db', ['db', db, port(sink), leakMs].map(String));
    await actors.start('shop-api', ['api', api, db].map(String));
    await actors.start('shop-web', ['web', api].map(String));
  } catch (error) {
    sink.close();
    await actors.end();
    throw error;
  }
  return {
    kind: actors.kind,
    names: ['shop-db', 'shop-api', 'shop-web'],
    leak() {
      for (const client of clients) client.write(LEAK);
    },
    async end() {
      await actors.end();
      for (const client of clients) client.destroy();
      sink.close();
    },
  };
}

/** The outside world of the demonstration: takes everything. */
function startSink(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => {
      socket.on('error', () => socket.destroy());
      socket.resume();
    });
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

function port(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

async function freePort(): Promise<number> {
  const server = await startSink();
  const free = port(server);
  await new Promise(resolve => server.close(resolve));
  return free;
}
