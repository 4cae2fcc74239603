import { Worker } from 'node:worker_threads';
import type { Clock } from '../../core/clock.ts';
import type { Config } from '../../core/config/config.ts';
import { describeError, type Problem } from '../../core/errors.ts';
import { moduleBeside } from '../../core/module-beside.ts';
import type { Input, Reader } from '../../http/api/contract.ts';
import { ApiError } from '../../http/api/problem.ts';

/** A request for the thread. */
export interface Asked {
  readonly n: number;
  /** Of the operation. */
  readonly id: string;
  readonly input: Input;
  /** Epoch ms. */
  readonly now: number;
}

/** What it posts first: it takes requests from now on. */
export const READY = 'ready';

/** What it posts back: errors lose their class on the way. `stack`: of a bug. */
export type Told =
  | { readonly n: number; readonly json: string; readonly next: string | null }
  | {
      readonly n: number;
      readonly status: number;
      readonly problem: Problem;
      readonly stack: string | undefined;
    };

interface Waiting {
  readonly resolve: (answer: { json: string; next: string | null }) => void;
  readonly reject: (error: ApiError) => void;
}

/** Bounds of what the thread is asked. */
export interface ReaderLimits {
  /** Requests at once. */
  readonly waiting: number;
  /** Longest time for one, ms. */
  readonly deadlineMs: number;
  /** Without a request for this long the thread ends, and gives its memory back, ms. */
  readonly idleMs: number;
  /** Of the thread, MiB: what is read beyond it ends the thread and not the process. */
  readonly heapMb: number;
}

const LIMITS: ReaderLimits = { waiting: 32, deadlineMs: 30_000, idleMs: 60_000, heapMb: 512 };

/** How long an answer that store or state cannot be read counts, ms. */
const FAILING_MS = 30_000;

const THREAD = moduleBeside('./thread', import.meta.url);

/**
 * Reads in a thread, so that no request, however much it asks for, stalls the capture in this process. The thread starts
 * with the first request. One that takes too long takes those beside it with it: they are answered with 503.
 */
export class ThreadReader implements Reader {
  readonly #config: Config;
  readonly #clock: Clock;
  readonly #limits: ReaderLimits;
  readonly #waiting = new Map<number, Waiting>();
  #thread: Worker | null = null;
  /** Resolves when the thread has loaded the program: that may take long where much else runs. */
  #ready = Promise.resolve();
  #idle = new AbortController();
  #number = 0;
  #failing: { readonly reason: string; readonly at: number } | null = null;

  constructor(config: Config, clock: Clock, limits: Partial<ReaderLimits> = {}) {
    this.#config = config;
    this.#clock = clock;
    this.#limits = { ...LIMITS, ...limits };
  }

  /**
   * Why the newest answer was that store or state cannot be read, or null. What one request met says nothing of the next,
   * such as that it took too long; and after a while it is forgotten: who is not ready is not asked, and would never know.
   */
  get failing(): string | null {
    const failing = this.#failing;
    return failing && this.#clock.monotonic() - failing.at < FAILING_MS ? failing.reason : null;
  }

  prepare(): void {
    if (this.#thread) return;
    this.#running();
    this.#endWhenIdle();
  }

  async read(id: string, input: Input): Promise<{ json: string; next: string | null }> {
    const { waiting, deadlineMs } = this.#limits;
    if (this.#waiting.size >= waiting) throw new ApiError(503, BUSY);
    this.#idle.abort();
    const n = ++this.#number;
    const late = new AbortController();
    const answered = Promise.withResolvers<{ json: string; next: string | null }>();
    this.#waiting.set(n, answered);
    this.#running().postMessage({ n, id, input, now: this.#clock.now() } satisfies Asked);
    void this.#ready.then(() => this.#after(deadlineMs, late.signal, LATE));
    try {
      return await answered.promise;
    } finally {
      late.abort();
      this.#waiting.delete(n);
      if (this.#waiting.size === 0) this.#endWhenIdle();
    }
  }

  async close(): Promise<void> {
    this.#idle.abort();
    await this.#end(CLOSED);
  }

  #running(): Worker {
    if (this.#thread) return this.#thread;
    const resourceLimits = { maxOldGenerationSizeMb: this.#limits.heapMb };
    const thread = new Worker(THREAD, { workerData: this.#config, resourceLimits });
    this.#thread = thread;
    const ready = Promise.withResolvers<void>();
    this.#ready = ready.promise;
    thread.on('message', (told: Told | typeof READY) =>
      told === READY ? ready.resolve() : this.#told(told),
    );
    thread.on('error', error => this.#gone(thread, { ...BROKEN, found: describeError(error) }));
    thread.on('exit', () => this.#gone(thread, BROKEN));
    thread.unref();
    return thread;
  }

  #told(told: Told): void {
    const waiting = this.#waiting.get(told.n);
    if ('json' in told) {
      this.#failing = null;
      waiting?.resolve(told);
      return;
    }
    const error = new ApiError(told.status, told.problem, bugOf(told.stack));
    if (told.status === 503) this.#failing = { reason: describeError(error), at: this.#clock.monotonic() };
    waiting?.reject(error);
  }

  /** The thread has ended by itself. */
  #gone(thread: Worker, problem: Problem): void {
    if (this.#thread !== thread) return;
    this.#thread = null;
    this.#refuse(problem);
  }

  async #end(problem: Problem): Promise<void> {
    const thread = this.#thread;
    this.#thread = null;
    this.#refuse(problem);
    await thread?.terminate();
  }

  #refuse(problem: Problem): void {
    for (const { reject } of this.#waiting.values()) reject(new ApiError(503, problem));
    this.#waiting.clear();
  }

  #endWhenIdle(): void {
    this.#idle.abort();
    if (!this.#thread) return;
    this.#idle = new AbortController();
    void this.#after(this.#limits.idleMs, this.#idle.signal, CLOSED);
  }

  /** End the thread after so much time, unless the signal says that this is not needed any more. */
  async #after(ms: number, signal: AbortSignal, problem: Problem): Promise<void> {
    await this.#clock.sleep(ms, signal);
    if (!signal.aborted) await this.#end(problem);
  }
}

const bugOf = (stack: string | undefined): Error | undefined =>
  stack === undefined ? undefined : Object.assign(new Error('in the thread that reads'), { stack });

const BUSY: Problem = {
  place: '',
  found: 'too many requests are being answered',
  remedy: 'Try again in a few seconds.',
};
const LATE: Problem = {
  place: '',
  found: 'reading took too long, for this request or one beside it',
  remedy: 'Ask for a shorter range or a longer step, or try again.',
};
const BROKEN: Problem = {
  place: '',
  found: 'the thread that reads has ended',
  remedy: 'Ask for a shorter range or a longer step, or try again.',
};
const CLOSED: Problem = { place: '', found: 'this process ends', remedy: 'Ask another one, or try again.' };
