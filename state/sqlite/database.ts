import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolder } from '../../backends/files/folder.ts';
import { createPrivate } from '../../backends/files/private-file.ts';
import { CODES, isBusy, isPassing, RIGHTS, resultCode } from '../../backends/sqlite/codes.ts';
import { openToRead } from '../../backends/sqlite/read.ts';
import { transaction } from '../../backends/sqlite/transaction.ts';
import { describeError, ExchangeError } from '../../core/errors.ts';
import { MIGRATIONS } from './schema.ts';

/** Longest wait for another process that writes, milliseconds. It blocks this one. */
const BUSY_MS = 2000;

/** Of result codes that pass. */
const REMEDIES: Readonly<Record<number, string>> = { [CODES.READONLY]: RIGHTS, [CODES.CANTOPEN]: RIGHTS };

/** The one place that decides what an error of SQLite means; anything else is a mistake of ours and stays as it is. */
export function sqliteError(error: unknown, place: string): unknown {
  const code = resultCode(error);
  if (code === null) return error;
  return new ExchangeError(
    {
      place,
      expected: 'a working SQLite database',
      found: describeError(error),
      remedy: isPassing(code)
        ? (REMEDIES[code] ?? 'Check free space on the disk.')
        : 'Move the file away: a new one is made, and what it held is derived again from the store.',
    },
    { retry: isPassing(code), cause: error },
  );
}

/**
 * Open (or make) the file. WAL, so that several processes read while one writes. `synchronous=NORMAL`: a killed
 * process loses nothing; a power cut may lose the last commits, never consistency. All that they held is derived again
 * from the store (incidents and notifications carry the same ids), and FULL would have every commit wait for the
 * disk inside the process that captures.
 */
export function openDatabase(file: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    makeFolder(dirname(file));
    createPrivate(file);
    db = new DatabaseSync(file, { timeout: BUSY_MS });
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    migrate(db, file);
    return db;
  } catch (error) {
    db?.close();
    throw openError(error, file);
  }
}

/**
 * Open a file that exists, to read only: nothing is created, changed or brought up to date. Throws an ExchangeError as
 * `openDatabase` does, and for the schema of an older tidegauge.
 */
export function openReadOnly(file: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = openToRead(file, BUSY_MS);
    const version = versionOf(db);
    refuseNewer(file, version);
    if (version < MIGRATIONS.length) throw tooOld(file, version);
    return db;
  } catch (error) {
    db?.close();
    throw openError(error, file);
  }
}

/** The same while opening: only another process' lock is worth waiting for. */
function openError(error: unknown, file: string): ExchangeError {
  const failure = sqliteError(error, file);
  if (!(failure instanceof ExchangeError)) return unusable(file, error);
  return failure.retry && !isBusy(error)
    ? new ExchangeError(failure.problem, { retry: false, cause: error })
    : failure;
}

/** The folder cannot be made. */
function unusable(file: string, error: unknown): ExchangeError {
  const problem = {
    place: file,
    expected: 'a file that can be written',
    found: describeError(error),
    remedy: RIGHTS,
  };
  return new ExchangeError(problem, { retry: false, cause: error });
}

function migrate(db: DatabaseSync, file: string): void {
  transaction(db, () => {
    const version = versionOf(db);
    refuseNewer(file, version);
    for (const statements of MIGRATIONS.slice(version)) db.exec(statements);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  });
}

const versionOf = (db: DatabaseSync): number => Number(db.prepare('PRAGMA user_version').get()?.user_version);

function refuseNewer(file: string, version: number): void {
  if (version <= MIGRATIONS.length) return;
  throw new ExchangeError(
    {
      place: file,
      expected: `schema version ${MIGRATIONS.length} or older`,
      found: String(version),
      remedy: 'Run the version of tidegauge that wrote it, or a newer one.',
    },
    { retry: false },
  );
}

function tooOld(file: string, version: number): ExchangeError {
  return new ExchangeError(
    {
      place: file,
      expected: `schema version ${MIGRATIONS.length}`,
      found: `version ${version}, of an older tidegauge`,
      remedy: 'Start `tidegauge run` once: it brings the file up to date.',
    },
    { retry: false },
  );
}
