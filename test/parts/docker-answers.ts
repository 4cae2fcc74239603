import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { temporaryFolder } from './process.ts';

/** What the Engine's socket says. */
export interface DockerAnswers {
  /** To every list of containers; text is sent as it is, anything else as JSON. */
  readonly list: unknown;
  /** To every inspection of a container. */
  readonly inspect?: unknown;
  /** Events sent at once. */
  readonly events?: readonly string[];
  /** Requests that are never answered. */
  readonly hangs?: (url: string) => boolean;
  /** Called before an answer. */
  readonly before?: (url: string) => Promise<void>;
}

/** A socket that gives answers which no real Docker gives. */
export interface DockerAnswering {
  readonly socket: string;
  /** Addresses asked for, in order. */
  readonly requests: readonly string[];
  /** End the stream of events. */
  endEvents(): void;
  stop(): void;
}

export function answerAsDocker(answers: DockerAnswers): DockerAnswering {
  const folder = temporaryFolder();
  const socket = join(folder.path, 'docker.sock');
  const requests: string[] = [];
  let events: ServerResponse | undefined;
  const server = createServer(async ({ url = '' }, response) => {
    requests.push(url);
    if (answers.hangs?.(url)) return;
    await answers.before?.(url);
    if (url.startsWith('/events')) {
      events = response;
      response.writeHead(200).flushHeaders();
      response.write((answers.events ?? []).join(''));
      return;
    }
    const body = url.startsWith('/containers/json') ? answers.list : answers.inspect;
    response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
  }).listen(socket);
  return {
    socket,
    requests,
    endEvents: () => events?.end(),
    stop() {
      server.closeAllConnections();
      server.close();
      folder.remove();
    },
  };
}
