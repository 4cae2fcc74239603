import type { Clock } from '../core/clock.ts';
import { describeError, ExchangeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Backoff, pauseAfter } from '../core/retry.ts';

/** What this process needs besides itself. */
export const PARTS = ['store', 'queue', 'state'] as const;
export type PartName = (typeof PARTS)[number];

/** Opens one of them; resolves with one line for people. */
export type Openings = Readonly<Record<PartName, () => Promise<string>>>;

export interface ContactOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Pauses between attempts at a part that is away. */
  readonly backoff?: Backoff;
}

/** A part that was not reached yet. */
export interface Unreached {
  readonly name: PartName;
  readonly reason: string;
}

const BACKOFF: Backoff = { firstMs: 500, maxMs: 5000 };

/**
 * The first contact with store, queue and state. What is away at the start is tried until it is there; what answers and
 * can never be used as it is set up (credentials, version, names) ends the process.
 */
export class Contact {
  readonly #options: ContactOptions;
  readonly #closing = new AbortController();
  readonly #reached = new Map<PartName, string>();
  readonly #away = new Map<PartName, ExchangeError>();
  readonly #made = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<unknown>();

  private constructor(options: ContactOptions) {
    this.#options = options;
  }

  /** Resolves when each part was tried once; what is away then goes on being tried. Rejects when one can never be used. */
  static async seek(openings: Openings, options: ContactOptions): Promise<Contact> {
    const contact = new Contact(options);
    const tries = PARTS.map(name => contact.#try(name, openings[name]));
    const results = await Promise.allSettled(tries);
    const failure = results.find(result => result.status === 'rejected');
    if (failure) throw failure.reason;
    const late = PARTS.filter(name => contact.#away.has(name));
    void Promise.all(late.map(name => contact.#retry(name, openings[name]))).then(
      () => contact.#made.resolve(),
      (error: unknown) => contact.#failed.resolve(error),
    );
    return contact;
  }

  /** Resolves when all parts were reached; never when `close` came first. */
  get made(): Promise<void> {
    return this.#made.promise;
  }

  /** Resolves with the reason, when a part that was away has come and can never be used. */
  get failed(): Promise<unknown> {
    return this.#failed.promise;
  }

  /** What was not reached yet, in the order of PARTS. */
  get unreached(): Unreached[] {
    return [...this.#away].map(([name, error]) => ({ name, reason: describeError(error) }));
  }

  /** Throws why a part was not reached yet: an ExchangeError, to be tried again. */
  require(name: PartName): void {
    const reason = this.#away.get(name);
    if (reason) throw reason;
  }

  /** One line for people about a part. */
  describe(name: PartName): string {
    return this.#reached.get(name) ?? 'away, waiting for it';
  }

  /** End the attempts. */
  close(): void {
    this.#closing.abort();
  }

  /** Only a failure that later success can follow leaves the part away; others are thrown. */
  async #try(name: PartName, open: () => Promise<string>): Promise<boolean> {
    try {
      this.#reached.set(name, await open());
      this.#away.delete(name);
      return true;
    } catch (error) {
      if (!(error instanceof ExchangeError) || !error.retry) throw error;
      this.#away.set(name, error);
      return false;
    }
  }

  async #retry(name: PartName, open: () => Promise<string>): Promise<void> {
    const { clock, log, backoff = BACKOFF } = this.#options;
    const { signal } = this.#closing;
    log.warn({ error: describeError(this.#away.get(name)) }, `the ${name} is away, waiting for it`);
    for (let attempt = 1; !signal.aborted; attempt++) {
      await clock.sleep(pauseAfter(attempt, backoff, this.#away.get(name)?.retryAfterMs), signal);
      const isThere = !signal.aborted && (await this.#try(name, open));
      if (!isThere || signal.aborted) continue;
      log.info({ [name]: this.describe(name) }, `the ${name} is there`);
      return;
    }
    // Closed, perhaps while it was being opened: nobody is to hear of it any more.
    return new Promise(() => {});
  }
}
