import type { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { sqliteFailure } from '../../backends/sqlite/failure.ts';
import type { FileKind } from '../../backends/sqlite/open.ts';
import * as shared from '../../backends/sqlite/transaction.ts';
import type { Interval } from '../../core/interval.ts';
import { MIGRATIONS } from './schema.ts';

export const STORE_FILE: FileKind = {
  migrations: MIGRATIONS,
  busyMs: 1000,
  damaged:
    'Move the file away: a new one is made; or restore it from a backup, or name another in store.sqlite.file.',
};

/** Run `body` as one transaction: all of it or nothing. Throws an ExchangeError. */
export function transaction<T>(db: DatabaseSync, file: string, body: () => T): T {
  try {
    return shared.transaction(db, body);
  } catch (error) {
    throw sqliteFailure(file, error, STORE_FILE.damaged);
  }
}

/** Run `body`, which only reads, on one state of the file, whatever other threads write. Throws an ExchangeError. */
export function snapshot<T>(db: DatabaseSync, file: string, body: () => T): T {
  try {
    return shared.snapshot(db, body);
  } catch (error) {
    throw sqliteFailure(file, error, STORE_FILE.damaged);
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
