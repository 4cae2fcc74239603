import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from './process.ts';

/** A filtering proxy in front of the socket of a Docker Engine, as people run them. */
export interface DockerProxy {
  /** For `capture.docker`. */
  readonly address: string;
  /** Paths asked for, in order. */
  readonly asked: readonly string[];
  /** Paths that are refused from now on with 403. */
  refuse(pattern: RegExp | null): void;
  stop(): void;
}

/** In front of `socket`, at a socket of its own; with `tls` on a port of the loopback. */
export async function startDockerProxy(
  socket: string,
  { refused = null, tls }: { refused?: RegExp | null; tls?: ServerOptions } = {},
): Promise<DockerProxy> {
  const folder = temporaryFolder();
  const asked: string[] = [];
  let pattern = refused;
  const serve = (incoming: IncomingMessage, response: ServerResponse) => {
    const { method, url = '', headers } = incoming;
    const [path = ''] = url.split('?');
    asked.push(path);
    if (pattern?.test(path)) {
      response.writeHead(403, { 'content-type': 'text/html' }).end('<html>Forbidden</html>');
      return;
    }
    const onward = request({ socketPath: socket, method, path: url, headers }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders();
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    incoming.pipe(onward);
  };
  const server = tls ? createSecureServer(tls, serve) : createServer(serve);
  const path = join(folder.path, 'proxy.sock');
  const listening = new Promise(resolve => server.once('listening', resolve));
  if (tls) server.listen(0, '127.0.0.1');
  else server.listen(path);
  await listening;
  return {
    address: tls ? `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` : path,
    asked,
    refuse(now) {
      pattern = now;
    },
    stop() {
      server.closeAllConnections();
      server.close();
      folder.remove();
    },
  };
}
