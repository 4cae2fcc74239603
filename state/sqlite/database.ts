import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeError, ExchangeError, errorCode } from '../../core/errors.ts';
import { makeFolder } from '../../core/folder.ts';
import { createPrivate } from '../../core/private-file.ts';
import { MIGRATIONS } from './schema.ts';

/** Longest wait for another process that writes, milliseconds. It blocks this one. */
const BUSY_MS = 2000;

/**
 * Result codes of SQLite (their low byte) that pass, or that an administrator repairs meanwhile: BUSY, LOCKED, NOMEM,
 * READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL.
 */
const PASSING = new Set([5, 6, 7, 8, 9, 10, 13, 14, 15]);

/** While opening only another process' lock is worth waiting for. */
const PASSING_WHILE_OPENING = new Set([5, 6]);

const RIGHTS = 'Set `data` to a directory of yours, or run it as root.';
/** READONLY, CANTOPEN. */
const REMEDIES: Readonly<Record<number, string>> = { 8: RIGHTS, 14: RIGHTS };

/** The one place that decides what an error of SQLite means; anything else is a mistake of ours and stays as it is. */
export function sqliteError(error: unknown, place: string, passing = PASSING): unknown {
  if (errorCode(error) !== 'ERR_SQLITE_ERROR') return error;
  const code = Number((error as { errcode?: unknown }).errcode) & 0xff;
  return new ExchangeError(
    {
      place,
      expected: 'a working SQLite database',
      found: describeError(error),
      remedy: PASSING.has(code)
        ? (REMEDIES[code] ?? 'Check free space on the disk.')
        : 'Move the file away: a new one is made, and what it held is derived again from the store.',
    },
    { retry: passing.has(code), cause: error },
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
    const failure = sqliteError(error, file, PASSING_WHILE_OPENING);
    throw failure instanceof ExchangeError ? failure : unusable(file, error);
  }
}

/**
 * Open a file that exists, to read only: nothing is created, changed or brought up to date. Throws an ExchangeError as
 * `openDatabase` does, and for the schema of an older tidegauge.
 */
export function openReadOnly(file: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: BUSY_MS, readOnly: true });
    const version = versionOf(db);
    refuseNewer(file, version);
    if (version < MIGRATIONS.length) throw tooOld(file, version);
    return db;
  } catch (error) {
    db?.close();
    const failure = sqliteError(error, file, PASSING_WHILE_OPENING);
    throw failure instanceof ExchangeError ? failure : unusable(file, error);
  }
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

/** Run `body` in a transaction that has the write lock from its start: all of it happens, or nothing. */
export function transaction<T>(db: DatabaseSync, body: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = body();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite has rolled back by itself after some errors (disk full, I/O).
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
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
