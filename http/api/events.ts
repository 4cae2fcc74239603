import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../core/clock.ts';
import type { Access } from './access.ts';
import type { Reader } from './contract.ts';
import { ApiError } from './problem.ts';

/** Who is told at once, at most. */
const LISTENERS = 32;
/** What may wait for one who listens, bytes: much more than the health of all hosts. */
const BEHIND = 1_048_576;
/** How often is looked, ms: while somebody is told, and only then. */
const LOOK_MS = 5000;
/** What `health` is about: frames come every few seconds, so that it says itself what else would be asked for each time. */
const HEALTH = { id: 'getHealth', query: {} } as const;
/** What `change` is about: the query is that of the operation's defaults, as `run` gets it. */
const LOOKED_AT = [
  { id: 'listIncidents', query: { from: '1h', to: '0s', limit: 100 } },
  { id: 'listSilences', query: { all: 'false' } },
] as const;

export interface EventsOptions {
  readonly access: Access;
  readonly reader: Reader;
  readonly clock: Pick<Clock, 'sleep'>;
}

/** Writes to one who listens. */
type Tell = (text: string) => void;

/** Looks for changes, once for all who listen. */
class Changes {
  readonly #options: EventsOptions;
  readonly #listeners = new Set<Tell>();
  #closing = new AbortController();
  /** By event, a digest of what was told last. */
  readonly #last = new Map<string, string>();

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#listeners.size >= LISTENERS;
  }

  /** Returns what ends it. */
  add(tell: Tell): () => void {
    this.#listeners.add(tell);
    if (this.#listeners.size === 1) {
      this.#closing = new AbortController();
      void this.#look(this.#closing.signal);
    }
    return () => {
      this.#listeners.delete(tell);
      if (this.#listeners.size === 0) this.#closing.abort();
    };
  }

  async #look(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // A line also when there is no news: a connection that is dead is noticed by it.
      const news = (await this.#news()) || ': no change\n\n';
      for (const tell of this.#listeners) tell(news);
      await this.#options.clock.sleep(LOOK_MS, signal);
    }
  }

  /** The events of what is new; none, also when it cannot be read now. */
  async #news(): Promise<string> {
    try {
      const health = await this.#read(HEALTH);
      const rest: string[] = [];
      for (const one of LOOKED_AT) rest.push(await this.#read(one));
      // Of it the clock alone is no news.
      const isNewer = this.#isNew('health', health.replace(/"(time|silent_ms)":("[^"]*"|\d+)/g, ''));
      const isChanged = this.#isNew('change', rest.join('\n'));
      return [
        ...(isNewer ? [`event: health\ndata: ${health}\n\n`] : []),
        ...(isChanged ? ['event: change\ndata: {}\n\n'] : []),
      ].join('');
    } catch {
      return '';
    }
  }

  async #read({ id, query }: typeof HEALTH | (typeof LOOKED_AT)[number]): Promise<string> {
    return (await this.#options.reader.read(id, { path: {}, query, body: {}, by: null })).json;
  }

  #isNew(event: string, seen: string): boolean {
    const digest = createHash('sha256').update(seen).digest('hex');
    if (this.#last.get(event) === digest) return false;
    this.#last.set(event, digest);
    return true;
  }
}

/**
 * Adds `/events`: server-sent events. `change`: incidents or silences are not what they were; `health`: frames have come, with
 * what GET /health answers as its data.
 */
export function addEvents(api: FastifyInstance, options: EventsOptions): void {
  const changes = new Changes(options);
  api.get(
    '/events',
    { preParsing: async request => void options.access.check(request.headers, 'read') },
    async (request, reply) => {
      if (changes.isFull)
        throw new ApiError(503, { place: '', found: 'too many are listening', remedy: 'Try again later.' });
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, {
        ...{ 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
        'x-content-type-options': 'nosniff',
      });
      // Whoever does not read what is told is let go, so that nothing piles up here.
      const end = changes.add(text => (raw.writableLength > BEHIND ? raw.destroy() : raw.write(text)));
      request.raw.once('close', end);
      raw.once('close', end);
    },
  );
}
