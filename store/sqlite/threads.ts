import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ExchangeError, type Problem } from '../../core/errors.ts';
import type { Interval } from '../../core/interval.ts';
import { moduleBeside } from '../../core/module-beside.ts';
import type { Retention, Rollup } from '../../core/traffic/rollup.ts';

/** Work that takes too long for the thread that captures, because node:sqlite blocks. */
export type Task =
  | { readonly kind: 'roll-up'; readonly file: string; readonly host: string; readonly range: Interval }
  | { readonly kind: 'expire'; readonly file: string; readonly now: number; readonly retention: Retention }
  | {
      readonly kind: 'series';
      readonly file: string;
      readonly host: string;
      readonly range: Interval;
      readonly stepMs: number;
    };

/** A part of what a task gives. More is read when it is asked for: `MORE` is posted to the thread. */
export interface Part {
  readonly rollups: readonly Rollup[];
}

/** What a thread posts last: errors lose their class on the way. */
export type Outcome =
  | { readonly count: number }
  | { readonly failure: { readonly problem: Problem; readonly retry: boolean } };

export const MORE = 'more';

const THREAD = moduleBeside('./thread', import.meta.url);

/** Does each task in a thread of its own, on a connection of its own. */
export class Threads {
  readonly #running = new Set<Worker>();

  /** Resolves with the task's count; rejects with an ExchangeError, also when `stop` cut it short. */
  async run(task: Exclude<Task, { kind: 'series' }>): Promise<number> {
    const messages = this.#perform(task);
    for (;;) {
      const { value, done } = await messages.next();
      if (done) return value;
    }
  }

  /** What the task reads, a part at a time; throws an ExchangeError, also when `stop` cut it short. */
  async *read(task: Extract<Task, { kind: 'series' }>): AsyncIterable<Rollup> {
    for await (const { rollups } of this.#perform(task)) yield* rollups;
  }

  /** End all threads; a transaction that is under way is rolled back. */
  async stop(): Promise<void> {
    await Promise.all([...this.#running].map(thread => thread.terminate()));
  }

  async *#perform(task: Task): AsyncGenerator<Part, number> {
    const thread = new Worker(THREAD, { workerData: task });
    this.#running.add(thread);
    // A thread that throws rejects these; one that is ended from outside only says `exit`.
    const ended = once(thread, 'exit').then(() => null);
    let isDone = false;
    try {
      for (;;) {
        const message = once(thread, 'message').then(([content]) => content as Part | Outcome);
        const content = await Promise.race([message, ended]);
        if (!content) throw cutShort(task);
        isDone = !('rollups' in content);
        if ('count' in content) return content.count;
        if ('failure' in content)
          throw new ExchangeError(content.failure.problem, { retry: content.failure.retry });
        yield content;
        thread.postMessage(MORE);
      }
    } finally {
      // One that has posted its outcome ends by itself: Node can crash when a thread is terminated while it ends.
      await (isDone ? ended : thread.terminate());
      this.#running.delete(thread);
    }
  }
}

function cutShort({ file, kind }: Task): ExchangeError {
  return new ExchangeError(
    {
      place: file,
      found: `${kind} was cut short, because the store was closed`,
      remedy: 'Do nothing: the next round does it.',
    },
    { retry: true },
  );
}
