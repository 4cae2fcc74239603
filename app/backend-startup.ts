import type { Clock } from '../core/clock.ts';
import { describeError, ExchangeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Backoff, pauseAfter } from '../core/retry.ts';

/** The outside services a process needs. */
export const BACKENDS = ['store', 'queue', 'state'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** Opens one of them; resolves with one line for people. */
export type Openings = Readonly<Record<BackendName, () => Promise<string>>>;

export interface StartupOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Pauses between attempts at a backend that is away. */
  readonly backoff?: Backoff;
}

/** A backend that was not reached yet. */
export interface Unreached {
  readonly name: BackendName;
  readonly reason: string;
}

const BACKOFF: Backoff = { firstMs: 500, maxMs: 5000 };

/**
 * Opens store, queue and state. One that is away at the start is tried again until it answers. One that answers but
 * cannot be used as configured (credentials, version, names) ends the process.
 */
export class BackendStartup {
  readonly #options: StartupOptions;
  readonly #closing = new AbortController();
  readonly #reached = new Map<BackendName, string>();
  readonly #away = new Map<BackendName, ExchangeError>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<unknown>();

  private constructor(options: StartupOptions) {
    this.#options = options;
  }

  /** Resolves when each was tried once; those away are tried again. Rejects when one cannot be used as configured. */
  static async begin(openings: Openings, options: StartupOptions): Promise<BackendStartup> {
    const startup = new BackendStartup(options);
    const tries = BACKENDS.map(name => startup.#try(name, openings[name]));
    const results = await Promise.allSettled(tries);
    const failure = results.find(result => result.status === 'rejected');
    if (failure) throw failure.reason;
    const late = BACKENDS.filter(name => startup.#away.has(name));
    void Promise.all(late.map(name => startup.#retry(name, openings[name]))).then(
      () => startup.#ready.resolve(),
      (error: unknown) => startup.#failed.resolve(error),
    );
    return startup;
  }

  /** Resolves when all backends were reached; never when `close` came first. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves with the reason, when one that was away answers and cannot be used as configured. */
  get failed(): Promise<unknown> {
    return this.#failed.promise;
  }

  /** What was not reached yet, in the order of BACKENDS. */
  get unreached(): Unreached[] {
    return [...this.#away].map(([name, error]) => ({ name, reason: describeError(error) }));
  }

  /** Throws why a backend was not reached yet: an ExchangeError, to be tried again. */
  require(name: BackendName): void {
    const reason = this.#away.get(name);
    if (reason) throw reason;
  }

  /** One line for people about a backend. */
  describe(name: BackendName): string {
    return this.#reached.get(name) ?? 'away, waiting for it';
  }

  /** End the attempts. */
  close(): void {
    this.#closing.abort();
  }

  /** A failure that may pass leaves the backend away; others are thrown. */
  async #try(name: BackendName, open: () => Promise<string>): Promise<boolean> {
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

  async #retry(name: BackendName, open: () => Promise<string>): Promise<void> {
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
    // Closed, perhaps during an attempt: never report it.
    return new Promise(() => {});
  }
}
