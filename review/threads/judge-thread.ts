import { Worker } from 'node:worker_threads';
import { describeError, TidegaugeError } from '../../core/errors.ts';
import { moduleBeside } from '../../core/module-beside.ts';
import type { Batch } from './batch.ts';
import type { Answer, Asked, Setup } from './messages.ts';

const THREAD = moduleBeside('./thread', import.meta.url);

/** One thread that judges. It answers batches in the order in which they are sent. */
export class JudgeThread {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<Answer>[] = [];
  #problem: TidegaugeError | null = null;

  constructor(setup: Setup) {
    this.#worker = new Worker(THREAD, { workerData: setup });
    this.#worker.on('message', (answer: Answer) => this.#waiting.shift()?.resolve(answer));
    this.#worker.on('error', error => this.#fail(describeError(error)));
    this.#worker.on('exit', code => this.#fail(`exit code ${code}`));
  }

  /** What is sent after it is about this host. */
  begin(host: Extract<Asked, { kind: 'host' }>): void {
    this.#worker.postMessage(host);
  }

  /** Rejects with a TidegaugeError when the thread has ended. */
  judge(batch: Batch): Promise<Answer> {
    if (this.#problem) return Promise.reject(this.#problem);
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.push(waiting);
    this.#worker.postMessage({ kind: 'frames', batch } satisfies Asked, [batch.numbers.buffer]);
    return waiting.promise;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(found: string): void {
    this.#problem ??= new TidegaugeError({
      place: '',
      found: `a thread that judges frames has ended: ${found}`,
      remedy: 'Free memory or review a shorter range; report it if that does not help.',
    });
    for (const { reject } of this.#waiting.splice(0)) reject(this.#problem);
  }
}
