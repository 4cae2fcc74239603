import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../core/clock.ts';
import type { Access } from './access.ts';
import type { Reader } from './contract.ts';
import { ApiError } from './problem.ts';

/** Who is told at once, at most. */
const LISTENERS = 32;
/** How often is looked, ms: while somebody is told, and only then. */
const LOOK_MS = 5000;
/** What is looked at: the query is that of the operation's defaults, as `run` gets it. */
const LOOKED_AT = [
  { id: 'getHealth', query: {} },
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
  #last = '';

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
      const seen = await this.#seen();
      const isNew = seen !== null && seen !== this.#last;
      if (isNew) this.#last = seen;
      // A line also when there is no news: a connection that is dead is noticed by it.
      for (const tell of this.#listeners) tell(isNew ? 'event: change\ndata: {}\n\n' : ': no change\n\n');
      await this.#options.clock.sleep(LOOK_MS, signal);
    }
  }

  /** A digest of what there is; null: it cannot be read now. */
  async #seen(): Promise<string | null> {
    const digest = createHash('sha256');
    try {
      for (const { id, query } of LOOKED_AT) {
        const { json } = await this.#options.reader.read(id, { path: {}, query, body: {}, by: null });
        // Of these the clock alone is no news.
        digest.update(json.replace(/"(time|silent_ms)":("[^"]*"|\d+)/g, ''));
      }
      return digest.digest('hex');
    } catch {
      return null;
    }
  }
}

/** Adds `/events`: server-sent events, one named `change` whenever there is something new. */
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
      const end = changes.add(text => raw.write(text) || raw.destroy());
      request.raw.once('close', end);
      raw.once('close', end);
    },
  );
}
