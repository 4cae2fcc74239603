import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { TidegaugeError } from '../../../core/errors.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import type { Random } from '../../../test/data/random.ts';
import { temporaryFolder } from '../../../test/parts/process.ts';
import type { Prepared, Target, Verdict } from '../contract.ts';
import { HOSTILE, mutateBytes } from '../mutate.ts';
import { fill, QUESTIONS } from './read-store.ts';

export const sqlite: Target = {
  name: 'sqlite',
  what: 'rows of the SQLite store, and the bytes of its file',
  share: 0.03,
  async prepare(): Promise<Prepared> {
    const folder = temporaryFolder();
    const file = join(folder.path, 'made.db');
    const good = await contentOf(file);
    return {
      play: random => playFile(join(folder.path, 'case.db'), good, random),
      stop: async () => folder.remove(),
    };
  },
};

async function contentOf(file: string): Promise<Buffer> {
  const store = new SqliteStore(file);
  await store.open();
  await fill(store);
  await store.close();
  const db = new DatabaseSync(file);
  // So that the file can be copied without its log.
  db.exec('PRAGMA journal_mode = DELETE; VACUUM');
  db.close();
  return readFileSync(file);
}

async function playFile(file: string, good: Buffer, random: Random): Promise<Verdict> {
  for (const ending of ['', '-wal', '-shm']) rmSync(file + ending, { force: true });
  const isWritten = random.next() < 0.5;
  writeFileSync(file, isWritten ? good : mutateBytes(good, random));
  // SQLite itself may refuse to store it.
  if (isWritten && !spoil(file, random)) return 'refused';
  const store = new SqliteStore(file);
  try {
    await store.open();
    for (const ask of QUESTIONS) await ask(store);
    return 'accepted';
  } catch (error) {
    if (error instanceof TidegaugeError) return 'refused';
    throw error;
  } finally {
    await store.close();
  }
}

/** Put something hostile into a column of all rows of a table, past the store. */
function spoil(file: string, random: Random): boolean {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  try {
    const tables = db
      .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
      .all();
    const table = String(random.pick(tables).name);
    const columns = db.prepare('SELECT name FROM pragma_table_info(?)').all(table);
    const value = random.pick([null, -1, 2.5, 2n ** 62n, Buffer.from([0, 255]), ...HOSTILE]);
    db.exec('PRAGMA ignore_check_constraints = ON');
    db.prepare(`UPDATE OR IGNORE "${table}" SET "${random.pick(columns).name}" = ?`).run(value);
    return true;
  } catch {
    return false;
  } finally {
    db.close();
  }
}
