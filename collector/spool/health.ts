import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';

/** How the disk does: a failure is said once, until it works again. */
export class Health {
  readonly #folder: string;
  readonly #log: Log;
  #fault: string | null = null;
  /** True once it was said that files cannot be tidied up, until they can. */
  #untidy = false;

  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Why the last write failed, or null while all is well. */
  get fault(): string | null {
    return this.#fault;
  }

  /** Write or sync. `isUnwritten`: whether a failure leaves frames in memory only. */
  attempt(action: () => void, isUnwritten: () => boolean): boolean {
    try {
      action();
      return true;
    } catch (error) {
      const fault = describeError(error);
      if (this.#fault === null)
        this.#log.error(
          { folder: this.#folder, error: fault },
          isUnwritten()
            ? 'the spool cannot be written: frames are kept in memory, and would be lost with this process'
            : 'the spool cannot be synced: frames are written, and would be lost in a power cut',
        );
      this.#fault = fault;
      return false;
    }
  }

  /** All that waited is written. */
  recovered(): void {
    if (this.#fault === null) return;
    this.#fault = null;
    this.#log.info({ folder: this.#folder }, 'the spool can be written again');
  }

  /** Remove what is done with, or note it. A failure loses nothing: what was shipped is shipped again, which changes nothing. */
  tidy(action: () => void): boolean {
    try {
      action();
      this.#untidy = false;
      return true;
    } catch (error) {
      if (!this.#untidy)
        this.#log.warn(
          { folder: this.#folder, error: describeError(error) },
          'the spool cannot be tidied up: it takes more room, and the next start ships some frames again',
        );
      this.#untidy = true;
      return false;
    }
  }
}
