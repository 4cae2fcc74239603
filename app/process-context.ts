import type { Logger } from 'pino';
import { makeFolder } from '../backends/files/folder.ts';
import type { Clock } from '../core/clock.ts';
import type { Config } from '../core/config/config.ts';
import { describeError, UsageError } from '../core/errors.ts';

/** What every part of a process works with. */
export interface ProcessContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted by the first signal that asks the process to end. */
  readonly signal: AbortSignal;
}

/** Where the data of root are, unless configured otherwise. */
export const ROOT_DATA = '/var/lib/tidegauge';

/** Create the data directory, readable by its owner only. Everything tidegauge keeps on disk is in it. */
export function ensureDataFolder(config: Config): void {
  try {
    makeFolder(config.data, 0o700);
  } catch (cause) {
    throw new UsageError(
      {
        place: config.data,
        found: `the data directory cannot be created: ${describeError(cause)}`,
        remedy: 'Set `data` to a directory that this user can create and write to.',
      },
      cause,
    );
  }
}
