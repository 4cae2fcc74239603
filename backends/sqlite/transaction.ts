import type { DatabaseSync } from 'node:sqlite';

/**
 * Run `body` as one transaction: all of it happens, or nothing. It has the write lock from its start: better to wait for
 * it now than to fail when a read turns into a write.
 */
export const transaction = <T>(db: DatabaseSync, body: () => T): T => within(db, 'BEGIN IMMEDIATE', body);

/** Run `body`, which only reads, on one state of the file, whatever other threads and processes write. */
export const snapshot = <T>(db: DatabaseSync, body: () => T): T => within(db, 'BEGIN', body);

function within<T>(db: DatabaseSync, begin: string, body: () => T): T {
  db.exec(begin);
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
