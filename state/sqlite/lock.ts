import { DatabaseSync } from 'node:sqlite';
import { isBusy } from '../../backends/sqlite/failure.ts';

export interface FileLock {
  release(): void;
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
