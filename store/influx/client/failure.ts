import { z } from 'zod';
import { tlsFailure } from '../../../core/connection-failure.ts';
import { describeError, ExchangeError, type Problem, printable } from '../../../core/errors.ts';

/**
 * Whose fault a failure is. `request`: the same request will never succeed. `setup`: credentials, names or rights
 * are wrong; an administrator repairs them, and what was to be written is kept until then. `server`: it passes.
 */
export type Blame = 'request' | 'setup' | 'server';

interface Judgement {
  readonly blame: Blame;
  readonly remedy: string;
  /** The same query over less time can succeed. */
  readonly isTooWide?: boolean;
}

const PASSING: Judgement = { blame: 'server', remedy: 'Check that InfluxDB is running and reachable.' };
const REFUSED: Judgement = { blame: 'request', remedy: 'Report this with the message of InfluxDB.' };
const TOO_LARGE: Judgement = {
  blame: 'setup',
  remedy: 'Raise the body limit of InfluxDB or of the proxy before it to 1 MB or more.',
};
const ELSEWHERE: Judgement = {
  blame: 'setup',
  remedy: 'Check that store.influx.url is the address of an InfluxDB.',
};

const CREDENTIALS: Judgement = {
  blame: 'setup',
  remedy: 'Check store.influx.token, or username and password.',
};
/** A limit that an administrator can lift: everything waits until then. */
const limit = (remedy: string): Judgement => ({ blame: 'setup', remedy });
const OTHERS_FIELDS = limit(
  'Another program writes these fields here: set store.influx.database to a database of its own.',
);
const IN_PART: Judgement = {
  blame: 'request',
  remedy: 'InfluxDB refused what its message names; the rest may be stored.',
};

const BY_STATUS: Readonly<Record<number, Judgement>> = {
  400: IN_PART,
  401: CREDENTIALS,
  402: limit('Raise the quota of this InfluxDB account.'),
  403: { blame: 'setup', remedy: 'Give this user or token the right to read and write the database.' },
  404: { blame: 'setup', remedy: 'Check store.influx.url, database and org; create what is missing.' },
  405: { blame: 'setup', remedy: 'Let InfluxDB, and a proxy before it, accept writes: this one takes none.' },
  408: PASSING,
  413: TOO_LARGE,
  422: IN_PART,
  425: PASSING,
  429: { blame: 'server', remedy: 'InfluxDB limits the rate of requests; it is tried again later.' },
};

/** What 1.x and 2.x say of a write of which they took a part. They quote names only after this. */
const PARTIAL = '^(failure writing points to database: )?partial write: ';
const partial = (reason: string): RegExp => new RegExp(`${PARTIAL}${reason}`);
/** In what 3 Core says of a line: in front of it is the line, in whose text a quote has a backslash before it. */
const ofLine = (reason: string): RegExp => new RegExp(`"error_message":"[^"]*${reason}`);

/**
 * Refusals of lines that are as they must be. What the server has to be changed for is not the fault of a frame, however
 * long it takes: the spool keeps frames until then.
 */
const BY_REASON: readonly (readonly [RegExp, Judgement])[] = [
  [
    partial('max-values-per-tag limit exceeded'),
    limit('Raise max-values-per-tag in [data] of influxdb.conf, or set it to 0, and restart InfluxDB.'),
  ],
  [
    partial('max-series-per-database limit exceeded'),
    limit('Raise max-series-per-database in [data] of influxdb.conf, or set it to 0, and restart InfluxDB.'),
  ],
  [partial('field type conflict'), OTHERS_FIELDS],
  [ofLine('invalid column type for column'), OTHERS_FIELDS],
  [
    partial('points beyond retention policy'),
    {
      blame: 'request',
      remedy: 'InfluxDB keeps nothing that old; raise the retention of the database if it should.',
    },
  ],
  [
    ofLine('would exceed (the )?(number|limit) of'),
    limit(
      'Raise the limit that the message names in the settings of InfluxDB 3, or delete what is not used.',
    ),
  ],
  [/^[^'"]*no space left on device/, limit('Make room on the disk of InfluxDB.')],
  [/^[^'"]*read[- ]?only/i, limit('Make InfluxDB writable again.')],
];

/**
 * What 3 Core says at the beginning of its messages, most of them with a status that means something else. Names are
 * quoted further on, so that they cannot pass for one of these.
 */
const BY_MESSAGE: readonly (readonly [RegExp, Judgement])[] = [
  [
    /^query error: error while planning query: External error: Query would exceed file limit/,
    {
      blame: 'request',
      remedy: 'Raise --query-file-limit of InfluxDB: one moment alone touches more files than that.',
      isTooWide: true,
    },
  ],
  [
    /^(error in InfluxQL statement|query error: error while planning query: Error during planning): /,
    REFUSED,
  ],
  [/^max request size /, TOO_LARGE],
  [
    /^(invalid character in database|db name |cannot write to soft-deleted database)/,
    { blame: 'setup', remedy: 'Check store.influx.database.' },
  ],
  [/^[^'"]*would exceed (the )?(number|limit) of/, limit('Raise the limit that the message names.')],
  [/^Authorization header was malformed/, CREDENTIALS],
  ...BY_REASON,
];

/**
 * The one decision on HTTP statuses, and on what is said with them. Only a refusal of the content itself is the fault of
 * the request; whatever else a status means has to be changed elsewhere.
 */
function judgeAnswer(status: number, message: string): Judgement {
  if (status >= 400) {
    const said = BY_MESSAGE.find(([pattern]) => pattern.test(message));
    if (said) return said[1];
    // A page, of a proxy or of something else: InfluxDB has not seen the request.
    if (status < 500 && message.startsWith('<')) return ELSEWHERE;
  }
  const known = BY_STATUS[status];
  if (known) return known;
  if (status >= 500) return PASSING;
  return ELSEWHERE;
}

/** The one decision on errors that InfluxQL reports, mostly inside answers of status 200. */
function judgeStatement(message: string): Judgement {
  if (/(database|bucket|retention policy) not found/i.test(message)) {
    return { blame: 'setup', remedy: 'Check store.influx.database; create it when it is missing.' };
  }
  if (/authoriz|privilege|permission/i.test(message)) {
    return { blame: 'setup', remedy: 'Give this user or token the right to read and write the database.' };
  }
  if (/timeout|interrupted|closed|killed|max-concurrent-queries/i.test(message)) return PASSING;
  return REFUSED;
}

/** A failed exchange with InfluxDB. */
export class InfluxFailure extends ExchangeError {
  readonly blame: Blame;
  /** A query that would succeed over less time. */
  readonly isTooWide: boolean;
  /** Most files that a query may touch, when it was refused because of them; else null. */
  readonly fileLimit: number | null;

  constructor(
    problem: Omit<Problem, 'remedy'>,
    { blame, remedy, isTooWide = false }: Judgement,
    options: { retryAfterMs?: number | undefined; fileLimit?: number | null; cause?: unknown } = {},
  ) {
    super({ ...problem, remedy }, { retry: blame !== 'request', ...options });
    this.blame = blame;
    this.isTooWide = isTooWide;
    this.fileLimit = options.fileLimit ?? null;
  }

  /** There is no such database; on 2.x also: the token may not read it. */
  get isMissingDatabase(): boolean {
    return /database not found/i.test(this.problem.found);
  }

  /** The same while opening: with a wrong set-up nothing can start. */
  whileOpening(): ExchangeError {
    return new ExchangeError(this.problem, { retry: this.blame === 'server', cause: this });
  }
}

/** An answer other than the expected one. `retryAfter`: the header, if there was one; `body`: the answer's text. */
export function refusedAnswer(
  place: string,
  answer: { status: number; body: string; retryAfter: string | undefined },
  cause?: unknown,
): InfluxFailure {
  const message = messageIn(answer.body);
  return new InfluxFailure(
    {
      place,
      expected: 'InfluxDB to accept the request',
      found: `HTTP ${answer.status}${message && `: ${excerpt(message)}`}`,
    },
    judgeAnswer(answer.status, message),
    { retryAfterMs: retryAfterMs(answer.retryAfter), fileLimit: fileLimitIn(message), cause },
  );
}

/** What 3 Core says that a query may touch at most. */
function fileLimitIn(message: string): number | null {
  const [, limit] = /would exceed file limit of (\d{1,6}) parquet files/.exec(message) ?? [];
  return Number(limit) || null;
}

/** An error that a statement reported. */
export function failedStatement(place: string, message: string): InfluxFailure {
  const problem = { place, expected: 'an answer to the query', found: excerpt(message) };
  return new InfluxFailure(problem, judgeStatement(message));
}

/** No answer, or half of one: refused, reset, timed out, cut off. It may have been done all the same. */
export function lostExchange(place: string, cause: unknown): InfluxFailure {
  const isSecure = place.startsWith('https:');
  const tls = tlsFailure(cause, isSecure, isSecure ? 'http://' : 'https://');
  const problem = { place, expected: 'an answer', found: tls?.found ?? transportText(cause) };
  return new InfluxFailure(problem, tls === null ? PASSING : { ...PASSING, remedy: tls.remedy }, { cause });
}

/** An answer that is not read to its end, which would take too much memory. */
export function longAnswer(place: string, mostBytes: number): InfluxFailure {
  return new InfluxFailure(
    { place, expected: `an answer of at most ${mostBytes} bytes`, found: 'a longer one' },
    { blame: 'request', remedy: 'Ask for less at once: one moment alone is that much.', isTooWide: true },
  );
}

/** An answer that is no InfluxDB's, or of a version this code does not know. */
export function strangeAnswer(place: string, cause: unknown): InfluxFailure {
  const problem = {
    place,
    expected: 'an answer of InfluxDB 1.6 or newer',
    found: describeError(cause),
  };
  return new InfluxFailure(problem, ELSEWHERE, { cause });
}

/** What `read` makes of rows. Rows that are not as they were written are an answer of something else. */
export function interpreted<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw strangeAnswer(place, error);
  }
}

/** Both ends of a message: InfluxDB quotes the line it refuses in full, and says why, and how many, after it. */
function excerpt(message: string): string {
  if (message.length <= 200) return printable(message, 250);
  return `${printable(message.slice(0, 120), 150)} … ${printable(message.slice(-80), 100)}`;
}

/** Longest pause that a server can ask for: frames pile up meanwhile, and it may be a mistake. */
const LONGEST_PAUSE_MS = 300_000;

/** Milliseconds of a Retry-After header, which is in seconds; undefined when there is none or it is a date. */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,6}$/.test(header.trim())) return undefined;
  return Math.min(Number(header) * 1000, LONGEST_PAUSE_MS);
}

/** A JSON answer of 1.x (`error`), 2.x (`message`) or 3 (`error`, and `data` names the lines it refuses). */
const answerWithMessage = z.union([
  z
    .object({ error: z.string(), data: z.unknown().optional() })
    .transform(({ error, data }) => (data ? `${error}: ${JSON.stringify(data)}` : error)),
  z.object({ message: z.string() }).transform(({ message }) => message),
]);

/** The message in an answer, else the text itself: proxies and 3 Core answer with plain texts as well. */
function messageIn(body: string): string {
  try {
    return answerWithMessage.parse(JSON.parse(body));
  } catch {
    return body.trim();
  }
}

/** fetch hides the reason in `cause`; a refused connection to a name of several addresses in `errors` below it. */
function transportText(error: unknown): string {
  if (typeof error === 'object' && error !== null) {
    if ('cause' in error && error.cause) return transportText(error.cause);
    if ('errors' in error && Array.isArray(error.errors) && error.errors.length > 0) {
      return transportText(error.errors[0]);
    }
  }
  return describeError(error);
}
