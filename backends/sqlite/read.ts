import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { CODES, resultCode } from './failure.ts';

/** SQLite would have to make or write files beside the database, which this user may not. */
const REFUSALS: readonly (number | null)[] = [CODES.READONLY, CODES.CANTOPEN];

/**
 * Open a file that exists, to read only. With a write-ahead log readers share an index in a file of its own: where no
 * process has it open and this user may not make it, the file is read as it is, provided that nothing waits in the
 * log. Throws what SQLite says.
 * @param timeoutMs longest wait for another process, milliseconds
 */
export function openToRead(file: string, timeoutMs: number): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: timeoutMs, readOnly: true });
  try {
    // Opening alone touches nothing.
    db.prepare('PRAGMA user_version').get();
    return db;
  } catch (error) {
    db.close();
    if (!REFUSALS.includes(resultCode(error)) || !isAtRest(file)) throw error;
  }
  const asItIs = pathToFileURL(file);
  asItIs.searchParams.set('immutable', '1');
  return new DatabaseSync(asItIs, { readOnly: true });
}

const isAtRest = (file: string): boolean =>
  (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0;
