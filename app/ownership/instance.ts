import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, UsageError } from '../../core/errors.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Who this installation is: a random id that is made at its first start and kept in its data directory, so that two
 * hosts of one name can be told apart. The caller holds the lock of the directory. Throws a TidegaugeError when the
 * file holds something else, and what the file system says.
 */
export function instanceId(data: string): string {
  const file = join(data, 'instance');
  const found = read(file);
  if (found === null) return create(file);
  if (UUID.test(found)) return found;
  throw new UsageError({
    place: file,
    expected: 'the id of this installation',
    found: JSON.stringify(found.slice(0, 40)),
    remedy: 'Remove the file; the next start makes a new id.',
  });
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Under another name first: a kill or a power cut leaves a whole file or none. */
function create(file: string): string {
  const id = randomUUID();
  const descriptor = openSync(`${file}.new`, 'w', 0o600);
  try {
    writeSync(descriptor, `${id}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${file}.new`, file);
  return id;
}
