import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ExchangeError, type Problem } from '../../core/errors.ts';
import type { Retention } from '../../core/rollup.ts';
import type { Range } from '../contract.ts';

/** Work that takes too long for the thread that captures: node:sqlite blocks. */
export type Task =
  | { readonly kind: 'roll-up'; readonly file: string; readonly host: string; readonly range: Range }
  | { readonly kind: 'expire'; readonly file: string; readonly now: number; readonly retention: Retention };

/** What a thread posts: errors lose their class on the way. */
export type Outcome =
  | { readonly count: number }
  | { readonly failure: { readonly problem: Problem; readonly retry: boolean } };

const THREAD = new URL('./upkeep-thread.ts', import.meta.url);

/** Does tasks in threads of their own, each on a connection of its own. */
export class Upkeep {
  readonly #threads = new Set<Worker>();

  /** Resolves with the task's count; rejects with an ExchangeError, also when `stop` cut it short. */
  async run(task: Task): Promise<number> {
    const thread = new Worker(THREAD, { workerData: task });
    this.#threads.add(thread);
    try {
      // A thread that throws rejects this; one that is ended from outside only says `exit`.
      const [outcome] = (await Promise.race([once(thread, 'message'), once(thread, 'exit')])) as [
        Outcome | number,
      ];
      if (typeof outcome === 'number') throw cutShort(task);
      if ('failure' in outcome) {
        throw new ExchangeError(outcome.failure.problem, { retry: outcome.failure.retry });
      }
      return outcome.count;
    } finally {
      this.#threads.delete(thread);
    }
  }

  /** End all threads; a transaction that is under way is rolled back. */
  async stop(): Promise<void> {
    await Promise.all([...this.#threads].map(thread => thread.terminate()));
  }
}

function cutShort({ file, kind }: Task): ExchangeError {
  return new ExchangeError(
    {
      place: file,
      expected: `${kind} to be finished`,
      found: 'that the store was closed meanwhile',
      remedy: 'Nothing: it is done by the next round.',
    },
    { retry: true },
  );
}
