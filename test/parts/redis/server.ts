import { connect } from 'node:net';
import { Child, freePort, temporaryFolder } from '../process.ts';

/** A real redis-server of our own on a free port of loopback, data in a temporary folder. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Where its data is. */
  readonly folder: string;
  readonly child: Child;
  /** Same port, same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisOptions {
  readonly appendOnly?: boolean;
  /** Port of the master. */
  readonly replicaOf?: number;
  /** More arguments of redis-server. */
  readonly more?: readonly string[];
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const port = await freePort();
  const folder = temporaryFolder();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder.path, '--save', ''];
  args.push('--maxmemory-policy', 'noeviction', '--appendonly', options.appendOnly === false ? 'no' : 'yes');
  // At once, as a failover of a test does not wait for the 5 s that servers of others save.
  args.push('--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0');
  if (options.replicaOf !== undefined) args.push('--replicaof', '127.0.0.1', String(options.replicaOf));
  args.push(...(options.more ?? []));
  let child = new Child('redis-server', args);
  const ready = () => child.until(`redis-server on port ${port}`, () => ping(port));
  await ready();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    folder: folder.path,
    get child() {
      return child;
    },
    async restart() {
      await child.stop('SIGKILL');
      child = new Child('redis-server', args);
      await ready();
    },
    async stop() {
      await child.stop();
      folder.remove();
    },
  };
}

/** True when a server or sentinel at this port of loopback answers. */
export function ping(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('error', () => resolve(false));
    socket.once('data', data => {
      socket.destroy();
      resolve(/^(\+PONG|-NOAUTH)/.test(data.toString()));
    });
  });
}
