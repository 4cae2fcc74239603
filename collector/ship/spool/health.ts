import { describeError } from '../../../core/errors.ts';
import type { Log } from '../../../core/log.ts';

interface Message {
  readonly level: 'error' | 'warn';
  readonly fails: string;
  /** Null: a recovery is not logged. */
  readonly works: string | null;
}

const MESSAGES = {
  write: {
    level: 'error',
    fails: 'the spool cannot be written: frames are kept in memory, and would be lost with this process',
    works: 'the spool can be written again',
  },
  sync: {
    level: 'error',
    fails: 'the spool cannot be synced: frames are written, and would be lost in a power cut',
    works: 'the spool can be synced again',
  },
  /** Removing shipped frames and noting the position. A failure loses nothing: shipping a frame twice changes nothing. */
  tidy: {
    level: 'warn',
    fails:
      'shipped frames cannot be removed from the spool: it grows, and the next start ships some frames again',
    works: null,
  },
} as const satisfies Record<string, Message>;
type Task = keyof typeof MESSAGES;

/** Whether the disk works. Each failure is logged once, until it works again. A disk may accept what it cannot sync. */
export class Health {
  readonly #folder: string;
  readonly #log: Log;
  readonly #faults = new Map<Task, string>();

  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Why frames are less safe than they should be, or null while all is well. */
  get fault(): string | null {
    return this.#faults.get('write') ?? this.#faults.get('sync') ?? null;
  }

  /** Whether the action succeeded. */
  attempt(task: Task, action: () => void): boolean {
    const { level, fails, works } = MESSAGES[task];
    const folder = this.#folder;
    try {
      action();
    } catch (error) {
      const fault = describeError(error);
      if (!this.#faults.has(task)) this.#log[level]({ folder, error: fault }, fails);
      this.#faults.set(task, fault);
      return false;
    }
    if (this.#faults.delete(task) && works !== null) this.#log.info({ folder }, works);
    return true;
  }
}
