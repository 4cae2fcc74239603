import { ExchangeError, type Problem, problemText, TidegaugeError, UsageError } from '../../core/errors.ts';

/** An error with the status that it is answered with, and the exit code of a command that asked for the same. */
export class ApiError extends TidegaugeError {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, problem: Problem, cause?: unknown) {
    // As of a command: what was asked for is wrong, or something stands in the way.
    super(problem, { cause, exitCode: status < 500 && status !== 409 ? 2 : 1 });
    this.status = status;
  }
}

export const notFound = (problem: Problem): ApiError => new ApiError(404, problem);
export const conflict = (problem: Problem): ApiError => new ApiError(409, problem);

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is wrong',
  401: 'A token is required',
  403: 'This is not allowed',
  404: 'There is no such thing',
  409: 'This cannot be done now',
  413: 'The body is too large',
  415: 'The body must be application/json',
  429: 'Too many requests',
  500: 'This is a bug',
  503: 'This cannot be answered now',
};

/** The body of an answer that is an error: RFC 9457, with the parts of a Problem. */
export interface ProblemJson {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  /** All of it in one line. */
  readonly detail: string;
  readonly place: string;
  readonly expected: string | null;
  readonly found: string;
  readonly remedy: string;
}

export function problemJson(status: number, problem: Problem): ProblemJson {
  const { place, expected = null, found, remedy } = problem;
  const title = TITLES[status] ?? 'The request failed';
  return { type: 'about:blank', title, status, detail: problemText(problem), place, expected, found, remedy };
}

/**
 * Any thrown value as an ApiError: what was asked for is wrong (400), a store or state is away (503), something else
 * stands in the way (409). What nobody has foreseen is a bug (500), and its words stay here.
 */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof UsageError) return new ApiError(400, error.problem, error);
  if (error instanceof ExchangeError) return new ApiError(503, error.problem, error);
  if (error instanceof TidegaugeError) return new ApiError(409, error.problem, error);
  return new ApiError(
    500,
    {
      place: '',
      found: 'the request failed for a reason that nobody has foreseen',
      remedy: 'Look into the log of this process, and report it.',
    },
    error,
  );
}
