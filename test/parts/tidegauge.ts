import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { Child } from './process.ts';
import type { ReadableProgram } from './readable.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The program as a user runs it, as a real child process, without this process's own settings. `through`: words in front
 * of it, such as those of setpriv. `program`: another place that it is run from (readable.ts).
 */
export function tidegauge(
  args: readonly string[],
  options: {
    cwd: string;
    env?: NodeJS.ProcessEnv;
    through?: readonly string[];
    program?: Pick<ReadableProgram, 'root' | 'node'>;
  },
): Child {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEGAUGE_') && name !== 'NODE_OPTIONS'),
  );
  const { root, node } = options.program ?? { root: ROOT, node: process.execPath };
  const main = join(root, 'cli/main.ts');
  const words = [node, '--disable-warning=ExperimentalWarning', main, ...args];
  const [command = process.execPath, ...rest] = [...(options.through ?? []), ...words];
  return new Child(command, rest, {
    cwd: options.cwd,
    env: { ...env, ...options.env },
  });
}

/** Write tidegauge.yaml into a folder; returns the folder. */
export function writeConfig(folder: string, config: unknown, name = 'tidegauge.yaml'): string {
  writeFileSync(join(folder, name), stringify(config));
  return folder;
}

/** What a webhook receiver accepted, in order. */
export interface Hook {
  readonly url: string;
  readonly bodies: Record<string, unknown>[];
  readonly headers: Record<string, unknown>[];
  stop(): Promise<void>;
}

/**
 * A real HTTP server that answers every delivery with 200 and accepts each key once, as receivers of Standard
 * Webhooks do: a sender that is killed between an answer and its record sends again with the same key. `host`: the address that it listens on.
 */
export async function startHook(host = '127.0.0.1'): Promise<Hook> {
  const keys = new Set<unknown>();
  const bodies: Record<string, unknown>[] = [];
  const headers: Record<string, unknown>[] = [];
  const server: Server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', chunk => {
      text += chunk;
    });
    request.on('end', () => {
      const key = request.headers['webhook-id'];
      if (!keys.has(key)) {
        bodies.push(JSON.parse(text) as Record<string, unknown>);
        headers.push({ ...request.headers });
      }
      keys.add(key);
      response.end('ok');
    });
  });
  await new Promise<void>(resolve => server.listen(0, host, resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://${host}:${address.port}/hook`,
    bodies,
    headers,
    stop: () =>
      new Promise(resolve => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Lines of a text file. */
export const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split('\n').filter(Boolean);
