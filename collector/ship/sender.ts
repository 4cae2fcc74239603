import type { Clock } from '../../core/clock.ts';
import { describeError, ExchangeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Backoff, isRetriable, pauseAfter } from '../../core/retry.ts';
import { Backlog, type PendingFrame } from './backlog.ts';

export interface SenderOptions {
  /** For messages: `store`. */
  name: string;
  /** Most that one request carries. */
  batch: { frames: number; bytes: number };
  send: (batch: readonly PendingFrame[]) => Promise<void>;
  /** The request was acknowledged. */
  onSent: (batch: readonly PendingFrame[]) => void;
  /** Runs after each request while more frames wait than it carried. Must not throw or reject. */
  between?: () => Promise<void>;
  /** The frame was refused for good. */
  onRefused: (frame: PendingFrame, error: unknown) => void;
  /** The receiver went away, or is back. */
  onChange: () => void;
  /** A request has been under way for `patienceMs`; it goes on. */
  onStalled?: () => void;
  patienceMs?: number;
  clock: Clock;
  log: Log;
  backoff: Backoff;
}

/** Why nothing is sent, and which backend is away: usually, but not always, the one that is sent to. */
export interface Down {
  readonly backend: string;
  readonly reason: string;
}

/**
 * Sends pending frames to one receiver, in order, until each is acknowledged. While the receiver is away it retries
 * without end. A batch that is refused for good is halved until the bad frame is alone; the others are sent.
 */
export class Sender {
  readonly backlog = new Backlog();
  readonly #options: SenderOptions;
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;
  #down: Down | null = null;
  #stalled = false;
  #failures = 0;
  /** One of this many oldest frames was refused; 0: none known. */
  #suspects = 0;
  /** Ends the wait for the next frame. */
  #wake = () => {};
  /** Ends the pause after a failure. */
  #pause = new AbortController();

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#loop = this.#run();
  }

  /** Why the last attempt failed, or null while all is well. */
  get down(): Down | null {
    return this.#down;
  }

  /** Whether the request that is under way has taken longer than `patienceMs`. */
  get stalled(): boolean {
    return this.#stalled;
  }

  push(entry: PendingFrame): void {
    this.backlog.push(entry);
    this.#wake();
  }

  /** Try again at once if this is a pause, and start with short pauses again. */
  hurry(): void {
    this.#failures = 0;
    this.#pause.abort();
  }

  /** Resolves when no request is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    this.#pause.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      if (this.backlog.size > 0) await this.#sendSome();
      else {
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
      }
    }
  }

  async #sendSome(): Promise<void> {
    const { batch: most, send, onSent, between } = this.#options;
    const frames = this.#suspects > 0 ? Math.ceil(this.#suspects / 2) : most.frames;
    const batch = this.backlog.hold({ frames, bytes: most.bytes });
    try {
      await this.#patiently(() => send(batch));
    } catch (error) {
      if (isRetriable(error)) await this.#wait(error);
      else this.#isolate(batch, error);
      return;
    }
    this.backlog.take();
    this.#suspects = Math.max(0, this.#suspects - batch.length);
    this.#up();
    onSent(batch);
    if (this.backlog.size > batch.length) await this.#patiently(async () => between?.());
  }

  async #patiently(action: () => Promise<void>): Promise<void> {
    const { clock, patienceMs, onStalled } = this.#options;
    if (patienceMs === undefined) return action();
    const done = new AbortController();
    void clock.sleep(patienceMs, done.signal).then(() => {
      if (done.signal.aborted) return;
      this.#stalled = true;
      onStalled?.();
    });
    try {
      await action();
    } finally {
      done.abort();
      this.#stalled = false;
    }
  }

  #isolate(batch: readonly PendingFrame[], error: unknown): void {
    this.#up();
    const [only, ...others] = batch;
    if (!only || others.length > 0) {
      this.backlog.release();
      this.#suspects = batch.length;
      return;
    }
    this.backlog.take();
    this.#suspects = 0;
    this.#options.onRefused(only, error);
  }

  async #wait(error: unknown): Promise<void> {
    const { name, clock, log, backoff, onChange } = this.#options;
    this.backlog.release();
    this.#failures++;
    const exchange = error instanceof ExchangeError ? error : null;
    const before = this.#down?.backend;
    this.#down = { backend: exchange?.part ?? name, reason: describeError(error) };
    if (this.#down.backend !== before) {
      log.warn({ error: this.#down.reason }, `the ${this.#down.backend} is away; frames wait`);
      onChange();
    }
    this.#pause = new AbortController();
    if (this.#stopping.signal.aborted) return;
    await clock.sleep(pauseAfter(this.#failures, backoff, exchange?.retryAfterMs), this.#pause.signal);
  }

  #up(): void {
    this.#failures = 0;
    if (this.#down === null) return;
    const { backend } = this.#down;
    this.#down = null;
    this.#options.log.info({ frames: this.backlog.size }, `the ${backend} is back`);
    this.#options.onChange();
  }
}
