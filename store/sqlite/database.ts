import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { makeFolder } from '../../backends/files/folder.ts';
import { createPrivate } from '../../backends/files/private-file.ts';
import { isBusy } from '../../backends/sqlite/codes.ts';
import { openToRead } from '../../backends/sqlite/read.ts';
import * as shared from '../../backends/sqlite/transaction.ts';
import { ExchangeError } from '../../core/errors.ts';
import type { Interval } from '../../core/interval.ts';
import { openFailure, sqliteFailure } from './failure.ts';
import { MIGRATIONS, migrate, schemaVersion } from './schema.ts';

/** Longest wait for another process's write lock, ms. It blocks this process, and transactions take milliseconds. */
const BUSY_TIMEOUT_MS = 1000;
/** Other processes that may be switching a new file to WAL at the same moment, generously. */
const SWITCH_ATTEMPTS = 50;

/**
 * Open the file, creating it and its folder when missing, with the newest schema. Throws an ExchangeError when the
 * file cannot be used, is no database, or was written by a newer tidegauge.
 */
export function openDatabase(file: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    makeFolder(dirname(file));
    createPrivate(file);
    db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    useWriteAheadLog(db);
    // With WAL, NORMAL survives a crash of the process; a power cut may take the last moments but never the file's
    // integrity, and the frames of those moments are gaps, which are visible. FULL would cost an fsync per frame.
    db.exec('PRAGMA synchronous = NORMAL');
    refuseNewer(file, schemaVersion(db));
    migrate(db);
    return db;
  } catch (error) {
    db?.close();
    throw openFailure(file, error);
  }
}

/**
 * Open a file that exists, to read only: nothing is created, changed or brought up to date. Throws an ExchangeError as
 * `openDatabase` does, and for the schema of an older tidegauge.
 */
export function openReadOnly(file: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = openToRead(file, BUSY_TIMEOUT_MS);
    const version = schemaVersion(db);
    refuseNewer(file, version);
    if (version < MIGRATIONS.length) throw tooOld(file, version);
    return db;
  } catch (error) {
    db?.close();
    throw openFailure(file, error);
  }
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

/**
 * Readers and the writer of other processes then do not block each other. The switch needs the file for itself, and
 * when several processes open a new file at once SQLite fails instead of waiting; for a write lock it does wait.
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

function refuseNewer(file: string, version: number): void {
  if (version <= MIGRATIONS.length) return;
  throw new ExchangeError(
    {
      place: file,
      expected: `schema version ${MIGRATIONS.length} or older`,
      found: `version ${version}`,
      remedy: 'The file was written by a newer tidegauge: update this one, or name another file.',
    },
    { retry: false },
  );
}

/** Run `body` as one transaction: all of it or nothing. Throws an ExchangeError. */
export function transaction<T>(db: DatabaseSync, file: string, body: () => T): T {
  try {
    return shared.transaction(db, body);
  } catch (error) {
    throw sqliteFailure(file, error);
  }
}

/** Run `body`, which only reads, on one state of the file, whatever other threads write. Throws an ExchangeError. */
export function snapshot<T>(db: DatabaseSync, file: string, body: () => T): T {
  try {
    return shared.snapshot(db, body);
  } catch (error) {
    throw sqliteFailure(file, error);
  }
}

/** What one step of reading gave, and where the next begins, epoch ms; null: that was all. */
export interface Step<T> {
  readonly items: readonly T[];
  readonly next: number | null;
}

/** All items of a range, read step by step. */
export async function* stepwise<T>(range: Interval, read: (part: Interval) => Step<T>): AsyncIterable<T> {
  for (let from: number | null = range.from; from !== null; ) {
    const { items, next }: Step<T> = read({ from, to: range.to });
    yield* items;
    from = next;
    await breathe();
  }
}

/** Let everything else in this process have its turn: node:sqlite blocks, so long work is done in pieces. */
export async function breathe(): Promise<void> {
  await setImmediate();
}
