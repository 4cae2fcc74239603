import { describeError, ExchangeError, isRefusedByFiles } from '../../core/errors.ts';

/** Primary result codes of SQLite: the low byte of `errcode`. */
export const CODES = {
  BUSY: 5,
  LOCKED: 6,
  NOMEM: 7,
  READONLY: 8,
  INTERRUPT: 9,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  PROTOCOL: 15,
  NOTADB: 26,
} as const;

/**
 * Passes by itself, or an administrator repairs it, whatever is written: also a damaged file is not the fault of what
 * was to be written to it.
 */
const PASSING: ReadonlySet<number> = new Set([
  CODES.BUSY,
  CODES.LOCKED,
  CODES.NOMEM,
  CODES.READONLY,
  CODES.INTERRUPT,
  CODES.IOERR,
  CODES.CORRUPT,
  CODES.FULL,
  CODES.CANTOPEN,
  CODES.PROTOCOL,
  CODES.NOTADB,
]);

const RIGHTS = 'Set `data` to a directory that this user can make and write.';
const REMEDIES: Readonly<Record<number, string>> = {
  [CODES.BUSY]: 'Another process holds the file for longer than usual; look for one that is stopped.',
  [CODES.READONLY]: RIGHTS,
  [CODES.IOERR]: 'Check the disk.',
  [CODES.FULL]: 'Make room on the disk.',
  [CODES.CANTOPEN]: RIGHTS,
};

/** Primary result code of an error of node:sqlite, or null for any other error. */
export function resultCode(cause: unknown): number | null {
  const errcode = typeof cause === 'object' && cause && 'errcode' in cause ? cause.errcode : undefined;
  return typeof errcode === 'number' ? errcode & 0xff : null;
}

/** True when another process holds the file right now. */
export function isBusy(cause: unknown): boolean {
  const code = resultCode(cause);
  return code === CODES.BUSY || code === CODES.LOCKED;
}

/**
 * What a failed use of a file is called, and whether trying again can help. An ExchangeError stays as it is.
 * @param damaged what to do when the file is damaged or no database
 */
export function sqliteFailure(file: string, cause: unknown, damaged: string): ExchangeError {
  if (cause instanceof ExchangeError) return cause;
  const code = resultCode(cause);
  const remedy =
    code === CODES.CORRUPT || code === CODES.NOTADB
      ? damaged
      : (REMEDIES[code ?? -1] ?? (isRefusedByFiles(cause) ? RIGHTS : 'Report this with the message.'));
  return new ExchangeError(
    { place: file, expected: 'a working SQLite database', found: describeError(cause), remedy },
    { retry: code !== null && PASSING.has(code), cause },
  );
}

/** The same while opening: only the lock of another process is worth waiting for. */
export function openFailure(file: string, cause: unknown, damaged: string): ExchangeError {
  const failure = sqliteFailure(file, cause, damaged);
  const retry = isBusy(cause);
  return failure.retry === retry ? failure : new ExchangeError(failure.problem, { retry, cause });
}
