import { closeSync, openSync } from 'node:fs';
import { errorCode } from '../../core/errors.ts';

/**
 * Make an empty file that only its owner can read, where there is none; what SQLite then puts beside it has the same
 * rights. A file that exists is not even opened: closing it would drop the locks that this process has on it.
 */
export function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}
