/** What a person needs from an error: where, what is wrong, what to do. */
export interface Problem {
  /** Where: a file with line, a configuration path, an address. Empty where `found` says it. */
  place: string;
  /** What would be right, where "expected X, found Y" reads naturally; without it `found` says what is wrong. */
  expected?: string;
  /** What is there instead, or in a sentence what is wrong: `port 8433 is in use`. */
  found: string;
  /** What to do, as an imperative sentence. */
  remedy: string;
}

/** One line of text: `queue.lanes: expected 8, found 9. Set …`, or `--to requires --from. Add …`. */
export function problemText({ place, expected, found, remedy }: Problem): string {
  const wrong = expected === undefined ? found : `expected ${expected}, found ${found}`;
  return `${place === '' ? '' : `${place}: `}${wrong}. ${remedy}`;
}

/** An error that is meant for the user: the command line prints it without a stack. */
export class TidegaugeError extends Error {
  override readonly name: string = 'TidegaugeError';
  readonly problem: Problem;
  /** Exit code of a command that ends with this error: 2 for "cannot run here", 1 otherwise. */
  readonly exitCode: number;

  constructor(problem: Problem, options: { cause?: unknown; exitCode?: number } = {}) {
    super(problemText(problem), options.cause === undefined ? undefined : { cause: options.cause });
    this.problem = problem;
    this.exitCode = options.exitCode ?? 1;
  }
}

/** What was asked for is wrong, or cannot be done here: the command ends with exit code 2. */
export class UsageError extends TidegaugeError {
  constructor(problem: Problem, cause?: unknown) {
    super(problem, { cause, exitCode: 2 });
  }
}

/** A failed exchange with a store, queue, state or receiver: says whether trying again can help. */
export class ExchangeError extends TidegaugeError {
  override readonly name = 'ExchangeError';
  /** True: the same request may succeed later. False: it never will as it stands. */
  readonly retry: boolean;
  /** The other side asked for this pause before the next attempt, milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** Which backend is away, when not the one that was asked: such as the state, which holds the host lease. */
  readonly part: string | undefined;

  constructor(
    problem: Problem,
    options: { retry: boolean; retryAfterMs?: number | undefined; part?: string; cause?: unknown },
  ) {
    super(problem, options.cause === undefined ? {} : { cause: options.cause });
    this.retry = options.retry;
    this.retryAfterMs = options.retryAfterMs;
    this.part = options.part;
  }
}

/** One line of text for any thrown value; control characters escaped, at most 500 characters. */
export function describeError(error: unknown): string {
  return printable(messageOf(error), 500);
}

/** By shape, not by class: errors of other realms are errors too. */
function messageOf(error: unknown): string {
  if (error === null || typeof error !== 'object') return String(error);
  const { message, name } = error as { message?: unknown; name?: unknown };
  return String(message || name || 'unknown error');
}

/** The `code` of a system error, such as ENOENT, or null. */
export function errorCode(error: unknown): string | null {
  const code = error !== null && typeof error === 'object' ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : null;
}

/** Why a file that a person named cannot be read or written, without the codes of the system, and without its name. */
export function describeFileError(error: unknown, doing: 'read' | 'write'): string {
  const code = errorCode(error) ?? '';
  if (code === 'ENOENT') return doing === 'read' ? 'no such file' : 'no such folder';
  return FILE_ERRORS[code] ?? describeError(error);
}

const FILE_ERRORS: Readonly<Record<string, string>> = {
  EISDIR: 'a folder',
  ENOTDIR: 'a path through a file that is no folder',
  EACCES: 'permission denied to this user',
  EPERM: 'permission denied to this user',
  EROFS: 'a read-only file system',
  ENOSPC: 'a full disk',
};

/** Refusals of a file system that are explained by missing rights or a name already taken. */
const REFUSALS = new Set(['EACCES', 'EPERM', 'EROFS', 'EEXIST', 'ENOTDIR', 'EISDIR']);

/** True when a file or folder is in the way, or not this user's. */
export const isRefusedByFiles = (error: unknown): boolean => REFUSALS.has(errorCode(error) ?? '');

/** Untrusted text made safe for one terminal line: control characters as \xNN, cut at `limit` characters. */
export function printable(text: string, limit = 200): string {
  const escaped = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, char => {
    const code = char.codePointAt(0) ?? 0;
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
  return escaped.length > limit ? `${escaped.slice(0, limit - 1)}…` : escaped;
}
