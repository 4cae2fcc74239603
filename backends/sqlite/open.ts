import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ExchangeError } from '../../core/errors.ts';
import { makeFolder } from '../files/folder.ts';
import { createPrivate } from '../files/private-file.ts';
import { isBusy, openFailure } from './failure.ts';
import { openToRead } from './read.ts';
import { transaction } from './transaction.ts';

/** What all files of a kind have in common. */
export interface FileKind {
  /** Statements that lead from `user_version` n to n + 1, in order. Only ever append: older files must open. */
  readonly migrations: readonly string[];
  /** Longest wait for another process that writes, ms. It blocks this process, and transactions take milliseconds. */
  readonly busyMs: number;
  /** What to do about a file that is damaged or no database. */
  readonly damaged: string;
}

/** Other processes that may switch a new file to WAL at the same moment, generously. */
const SWITCH_ATTEMPTS = 50;

/**
 * Open a file with the newest schema; make it, with its folder, where there is none. Throws an ExchangeError when the
 * file cannot be used, is no database, or was written by a newer tidegauge.
 *
 * `synchronous = NORMAL`: with WAL a killed process loses nothing. A power cut may take the last moments, never the
 * integrity of the file: lost frames are visible gaps, and lost state is derived again from the store. FULL would wait
 * for the disk with each commit, in the process that captures.
 */
export const openDatabase = (file: string, kind: FileKind): DatabaseSync =>
  openWith(file, kind, migrate, () => {
    makeFolder(dirname(file));
    createPrivate(file);
    return new DatabaseSync(file, { timeout: kind.busyMs });
  });

/**
 * Open a file that exists, to read only: nothing is created, changed or migrated. Throws an ExchangeError as
 * `openDatabase` does, and for the schema of an older tidegauge.
 */
export const openReadOnly = (file: string, kind: FileKind): DatabaseSync =>
  openWith(file, kind, refuseOlder, () => openToRead(file, kind.busyMs));

type Step = (db: DatabaseSync, file: string, migrations: readonly string[]) => void;

function openWith(
  file: string,
  { migrations, damaged }: FileKind,
  prepare: Step,
  open: () => DatabaseSync,
): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = open();
    prepare(db, file, migrations);
    return db;
  } catch (error) {
    db?.close();
    throw openFailure(file, error, damaged);
  }
}

function migrate(db: DatabaseSync, file: string, migrations: readonly string[]): void {
  useWriteAheadLog(db);
  db.exec('PRAGMA synchronous = NORMAL');
  if (versionOf(db, file, migrations) === migrations.length) return;
  transaction(db, () => {
    // Read again: another process may have migrated while this one waited for the lock.
    for (const statements of migrations.slice(versionOf(db, file, migrations))) db.exec(statements);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}

/**
 * With a write-ahead log, readers and the writer do not block each other. The switch needs the file alone, and SQLite
 * fails instead of waiting when several processes open a new file at once; for a write lock it does wait.
 */
function useWriteAheadLog(db: DatabaseSync): void {
  for (let attempt = 1; ; attempt++) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (attempt === SWITCH_ATTEMPTS || !isBusy(error)) throw error;
      db.exec('BEGIN IMMEDIATE');
      db.exec('ROLLBACK');
    }
  }
}

/** The schema version of the file; refuses one of a newer tidegauge. */
function versionOf(db: DatabaseSync, file: string, { length: newest }: readonly string[]): number {
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version);
  if (version <= newest) return version;
  throw new ExchangeError(
    {
      place: file,
      expected: `schema version ${newest} or older`,
      found: `version ${version}, of a newer tidegauge`,
      remedy: 'Update this tidegauge, or name another file.',
    },
    { retry: false },
  );
}

function refuseOlder(db: DatabaseSync, file: string, migrations: readonly string[]): void {
  const version = versionOf(db, file, migrations);
  if (version === migrations.length) return;
  throw new ExchangeError(
    {
      place: file,
      expected: `schema version ${migrations.length}`,
      found: `version ${version}, of an older tidegauge`,
      remedy: 'Start `tidegauge run` once: it brings the file up to date.',
    },
    { retry: false },
  );
}
