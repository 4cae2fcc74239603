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

/** What passes, or what an administrator repairs while tidegauge runs: the data is not at fault. */
const PASSING: ReadonlySet<number> = new Set([
  CODES.BUSY,
  CODES.LOCKED,
  CODES.NOMEM,
  CODES.READONLY,
  CODES.INTERRUPT,
  CODES.IOERR,
  CODES.FULL,
  CODES.CANTOPEN,
  CODES.PROTOCOL,
]);

/** What to do when the user may not use the file. */
export const RIGHTS = 'Set `data` to a directory that this user can make and write.';

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

/** Whether the same request may succeed later. */
export const isPassing = (code: number | null): boolean => code !== null && PASSING.has(code);
