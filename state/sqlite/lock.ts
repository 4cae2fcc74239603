import { readFileSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { isBusy } from '../../backends/sqlite/failure.ts';

export interface FileLock {
  release(): void;
}

/** The first of the bytes that SQLite locks, as /proc/locks writes it. */
const PENDING_BYTE = 0x40_00_00_00;

/**
 * The pid of the process that holds `lockFile`'s lock, from the kernel's own list: it cannot be out of date. Null when
 * nobody does, or somebody in another pid namespace, such as that of a container.
 */
export function lockHolder(file: string): number | null {
  const { ino } = statSync(file);
  const held = new RegExp(`WRITE (\\d+) [0-9a-f]+:[0-9a-f]+:${ino} ${PENDING_BYTE} `);
  const pid = Number(held.exec(readFileSync('/proc/locks', 'utf8'))?.[1] ?? 0);
  return pid > 0 ? pid : null;
}

/**
 * Take a lock that ends with this process however it ends, or null while another process has it: an exclusive
 * transaction of SQLite, which is a lock of the kernel on the file. Unlike a pid in a file it cannot be left behind,
 * and unlike an abstract socket it holds across network namespaces. Throws what SQLite says of an unusable file.
 */
export function lockFile(file: string): FileLock | null {
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
    return { release: () => db.close() };
  } catch (error) {
    db.close();
    if (isBusy(error)) return null;
    throw error;
  }
}
