import type { Clock } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { pauseAfter } from '../../core/retry.ts';
import type { HostWorker } from '../host.ts';

export interface RowRecoveryDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the lane is given up, also because it failed. */
  readonly signal: AbortSignal;
  /** Those of the lane. */
  readonly hosts: () => readonly HostWorker[];
  /** Folds again what the rows of a host are of, and writes them; rejects when the store is away again. */
  readonly startAgain: (worker: HostWorker) => Promise<void>;
}

/** Pauses before the store is asked again whether it has what rows wait for: longer where it answers without use. */
const PROBE = { firstMs: 2000, maxMs: 60_000 };

/** Once the store is back, writes the rows of a lane's hosts that it did not take. */
export class RowRecovery {
  readonly #deps: RowRecoveryDeps;
  /** The wait for the store to take rows; never rejects. Null: none wait. */
  underWay: Promise<void> | null = null;

  constructor(deps: RowRecoveryDeps) {
    this.#deps = deps;
  }

  /** After anything was folded: wait for the store if it did not take the rows of this host. */
  recover(worker: HostWorker): void {
    if (worker.unwritten === null || this.underWay) return;
    this.underWay = this.#writeRows().finally(() => {
      this.underWay = null;
    });
  }

  async #writeRows(): Promise<void> {
    const { clock, signal } = this.#deps;
    for (let failures = 0; !signal.aborted; ) {
      const waiting = this.#deps.hosts().filter(({ unwritten }) => unwritten !== null);
      if (waiting.length === 0) return;
      await clock.sleep(pauseAfter(failures + 1, PROBE), signal);
      failures = (await this.#writeRowsOf(waiting)) ? 0 : failures + 1;
    }
  }

  /** Whether to ask again soon: the rows of a host were written, or the store does not answer. */
  async #writeRowsOf(waiting: readonly HostWorker[]): Promise<boolean> {
    const { signal, log } = this.#deps;
    let isSoon = false;
    for (const worker of waiting) {
      if (signal.aborted) return false;
      // Outside of the lane's chain: frames go on meanwhile.
      const isAcknowledged = await worker.isAcknowledged();
      if (isAcknowledged === null) return true;
      // Its frames are on their way, or never come: the others do not wait for them.
      if (!isAcknowledged) continue;
      try {
        await this.#deps.startAgain(worker);
        isSoon = true;
      } catch (error) {
        // A lane that failed says so itself.
        if (signal.aborted) return false;
        log.debug({ host: worker.host, error: describeError(error) }, 'rows still wait for the store');
      }
    }
    return isSoon;
  }
}
