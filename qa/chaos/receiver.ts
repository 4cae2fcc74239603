import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { systemClock } from '../../core/clock.ts';
import type { Random } from '../../test/data/random.ts';
import { Part, type Tell } from './part.ts';
import type { Disturbance } from './plan.ts';

/**
 * A message is refused at most so often by chance, and so many in a row: with every time the sender waits longer, and a
 * receiver that refuses all is a disturbance of its own.
 */
const REFUSALS = 2;

/** A receiver of webhooks that is out of order for every fifth attempt, and remembers what it accepted. */
export interface ChaosReceiver {
  readonly url: string;
  /**
   * When each delivery was accepted first, epoch ms, by key; how many messages came that were accepted before, under the
   * same key and with the same content; and what was told twice otherwise.
   */
  readonly accepted: ReadonlyMap<string, number>;
  readonly repeated: number;
  readonly twice: readonly string[];
  /** While true it refuses everything. */
  isClosed: boolean;
  stop(): Promise<void>;
}

export async function startReceiver(random: Random): Promise<ChaosReceiver> {
  const accepted = new Map<string, number>();
  const refused = new Map<string, number>();
  const messages = new Map<string, string>();
  const twice: string[] = [];
  const counted = { repeated: 0, inRow: 0 };
  const accept = (key: string, keys: readonly string[]) => {
    const known = messages.get(key);
    if (known === keys.join()) counted.repeated++;
    else twice.push(...keys.filter(each => known !== undefined || accepted.has(each)));
    messages.set(key, keys.join());
    for (const each of keys) if (!accepted.has(each)) accepted.set(each, systemClock.now());
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', text => {
      body += text;
    });
    request.on('end', () => {
      const key = String(request.headers['webhook-id']);
      const keys = keysIn(body);
      const refusals = refused.get(key) ?? 0;
      const isUnlucky = random.next() < 0.2 && refusals < REFUSALS && counted.inRow < REFUSALS;
      if (isUnlucky) refused.set(key, refusals + 1);
      counted.inRow = isUnlucky ? counted.inRow + 1 : 0;
      if (receiver.isClosed || isUnlucky) {
        response.writeHead(503).end();
        return;
      }
      accept(key, keys);
      response.end('ok');
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const receiver: ChaosReceiver = {
    url: `http://127.0.0.1:${address.port}/hook`,
    accepted,
    twice,
    get repeated() {
      return counted.repeated;
    },
    isClosed: false,
    stop: () =>
      new Promise(resolve => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return receiver;
}

const bodySchema = z.object({
  key: z.string(),
  incidents: z.array(z.object({ key: z.string() })),
});

/** Keys of all deliveries that a message tells, sorted. */
function keysIn(body: string): string[] {
  const { key, incidents } = bodySchema.parse(JSON.parse(body));
  return incidents.length === 0 ? [key] : incidents.map(one => one.key).sort();
}

/** So that deliveries are pending when something else is hit. */
export class Refusing extends Part {
  readonly #receiver: ChaosReceiver;

  constructor(tell: Tell, receiver: ChaosReceiver) {
    super('receiver', tell);
    this.#receiver = receiver;
  }

  protected override async suffer({ pauseMs }: Disturbance): Promise<void> {
    this.tell(`receiver refuses everything for ${pauseMs} ms`);
    this.#receiver.isClosed = true;
    await sleep(pauseMs);
    this.#receiver.isClosed = false;
    this.tell('receiver accepts again');
  }
}
