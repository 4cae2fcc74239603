import { describeError, ExchangeError, isRefusedByFiles } from '../../core/errors.ts';

/** Primary result codes of SQLite (the low byte of `errcode`). */
const BUSY = 5;
const LOCKED = 6;
const NOMEM = 7;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** What passes, or what an administrator repairs while tidegauge runs: the data is not at fault. */
const PASSING = new Set([BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN]);

const RIGHTS = 'Set `data` to a directory of yours, or run it as root.';

const REMEDIES: Readonly<Record<number, string>> = {
  [BUSY]: 'Another process holds the file for longer than usual; look for one that is stopped.',
  [READONLY]: RIGHTS,
  [IOERR]: 'Check the disk.',
  [CORRUPT]: 'Move the file away: a new one is created; or restore it from a backup.',
  [FULL]: 'Make room on the disk.',
  [CANTOPEN]: RIGHTS,
  [NOTADB]: 'Name another file in store.sqlite.file, or move this one away.',
};

/** Primary result code of an error of node:sqlite, or null for any other error. */
function resultCode(cause: unknown): number | null {
  const errcode = typeof cause === 'object' && cause && 'errcode' in cause ? cause.errcode : undefined;
  return typeof errcode === 'number' ? errcode & 0xff : null;
}

/** True when another process holds the file right now. */
export function isBusy(cause: unknown): boolean {
  const code = resultCode(cause);
  return code === BUSY || code === LOCKED;
}

/** The one decision for SQLite: what a failure is called and whether trying again can help. */
export function sqliteFailure(file: string, cause: unknown): ExchangeError {
  if (cause instanceof ExchangeError) return cause;
  const code = resultCode(cause);
  return new ExchangeError(
    {
      place: file,
      expected: 'a working SQLite database',
      found: describeError(cause),
      remedy: isRefusedByFiles(cause) ? RIGHTS : (REMEDIES[code ?? -1] ?? 'Report this with the message.'),
    },
    { retry: code !== null && PASSING.has(code), cause },
  );
}

/** The same while opening: only what passes by itself is worth waiting for. */
export function openFailure(file: string, cause: unknown): ExchangeError {
  const failure = sqliteFailure(file, cause);
  const retry = isBusy(cause);
  return failure.retry === retry ? failure : new ExchangeError(failure.problem, { retry, cause });
}
