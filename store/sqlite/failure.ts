import { CODES, isBusy, isPassing, RIGHTS, resultCode } from '../../backends/sqlite/codes.ts';
import { describeError, ExchangeError, isRefusedByFiles } from '../../core/errors.ts';

const REMEDIES: Readonly<Record<number, string>> = {
  [CODES.BUSY]: 'Another process holds the file for longer than usual; look for one that is stopped.',
  [CODES.READONLY]: RIGHTS,
  [CODES.IOERR]: 'Check the disk.',
  [CODES.CORRUPT]: 'Move the file away: a new one is created; or restore it from a backup.',
  [CODES.FULL]: 'Make room on the disk.',
  [CODES.CANTOPEN]: RIGHTS,
  [CODES.NOTADB]: 'Name another file in store.sqlite.file, or move this one away.',
};

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
    { retry: isPassing(code), cause },
  );
}

/** The same while opening: only what passes by itself is worth waiting for. */
export function openFailure(file: string, cause: unknown): ExchangeError {
  const failure = sqliteFailure(file, cause);
  const retry = isBusy(cause);
  return failure.retry === retry ? failure : new ExchangeError(failure.problem, { retry, cause });
}
