import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { Random } from '../../test/data/random.ts';
import { golden } from './corpus.ts';
import { mutateText } from './mutate.ts';

/** An answer that a real InfluxDB gave. */
export interface RecordedAnswer {
  /** Which server it was, as `InfluxDB 2.9.1`. */
  readonly product: string;
  /** `/query STATEMENT`, or the path of another request. */
  readonly asked: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** test/golden/influx-answers.ndjson, by product. */
export const recordedAnswers = (): Map<string, RecordedAnswer[]> =>
  Map.groupBy(
    golden('influx-answers.ndjson').map(line => JSON.parse(line) as RecordedAnswer),
    answer => answer.product,
  );

/** What a request asks for, in the words of `RecordedAnswer.asked`. */
export function askedOf({ url = '' }: IncomingMessage, body: string): string {
  const path = url.replace(/\?.*$/s, '');
  return path === '/query' ? `${path} ${new URLSearchParams(body).get('q') ?? ''}` : path;
}

export async function bodyOf(message: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of message) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

export interface Listening {
  readonly port: number;
  stop(): Promise<void>;
}

/** An HTTP server on a free port of loopback. */
export async function listen(handle: RequestListener): Promise<Listening> {
  const server = createServer(handle);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const STATUSES = [200, 200, 200, 200, 204, 301, 400, 401, 404, 413, 422, 429, 500, 503];

/**
 * A server that repeats recorded answers, mutated while `random` is set. A question that was never recorded (one that
 * follows from a mutated answer) is answered as one about the same measurement was.
 */
export class MutatedInflux {
  /** Null: answers as they were recorded. */
  random: Random | null = null;
  readonly #answers: readonly RecordedAnswer[];

  constructor(answers: readonly RecordedAnswer[]) {
    this.#answers = answers;
  }

  readonly handle: RequestListener = async (request, response) => {
    const asked = askedOf(request, await bodyOf(request));
    const answer = this.#answerTo(asked);
    if (!answer) {
      response.writeHead(404).end(`nothing was recorded for ${asked}`);
      return;
    }
    const { random } = this;
    if (random === null || random.next() < 0.3) {
      response.writeHead(answer.status, answer.headers).end(answer.body);
      return;
    }
    const status = random.next() < 0.9 ? answer.status : random.pick(STATUSES);
    response.writeHead(status, answer.headers).end(mutateText(answer.body, random));
  };

  #answerTo(asked: string): RecordedAnswer | undefined {
    const about = / FROM (\w+)/.exec(asked)?.[1];
    return (
      this.#answers.find(answer => answer.asked === asked) ??
      this.#answers.find(answer => about !== undefined && answer.asked.includes(` FROM ${about} `))
    );
  }
}
