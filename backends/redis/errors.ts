import { tlsFailure } from '../../core/connection-failure.ts';
import { describeError, ExchangeError, type Problem, printable } from '../../core/errors.ts';

/** Answers of Redis, by their first word, that a later attempt of the same request may not get. */
const TEMPORARY = new Set([
  'LOADING', // reading its data after a start
  'BUSY', // a script runs
  'TRYAGAIN',
  'CLUSTERDOWN',
  'MASTERDOWN',
  'NOREPLICAS',
  'READONLY', // a replica, until the failover is over
  'UNBLOCKED', // it has become one
  'OOM', // full, until something is consumed or the limit is raised
  'MISCONF', // cannot save to disk at the moment
]);

/** Answers of a server that is no master, or not yet: another connection may lead to the one that is. */
const DEMOTED = new Set(['READONLY', 'UNBLOCKED', 'MASTERDOWN', 'LOADING']);

/** Answers that an administrator repairs, while whatever was to be written waits. While opening they are final. */
const SETUP = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM']);

const ENCODED = 'Characters such as @ : / # % are percent-encoded there.';

const ADVICE: Readonly<Record<string, string>> = {
  READONLY: 'Point redis.url at the master.',
  OOM: 'Give Redis more memory (maxmemory) or find out why nothing is consumed.',
  NOAUTH: `Put user and password into redis.url: redis://USER:PASSWORD@HOST. ${ENCODED}`,
  WRONGPASS: `Correct user and password in redis.url. ${ENCODED}`,
  NOPERM:
    'Give the user of redis.url the rights `~{tidegauge}* +@all -@dangerous +info`, with the redis.prefix that is configured in the braces.',
  ERR_DATABASE:
    'Give a number of a database that the server has (its setting `databases`, 0 to 15 by default).',
};

/** Answers that begin with ERR, and what they are. */
const BY_TEXT: readonly (readonly [RegExp, string])[] = [
  // Redis 6.2 puts what a command in a script was refused with after words of its own.
  [/^ERR Error running script .* -READONLY /, 'READONLY'],
  [/^ERR The user executing the script can't run this command/, 'NOPERM'],
  [/^ERR (DB index is out of range|invalid DB index)/, 'ERR_DATABASE'],
];

/** How ioredis says that a request was not sent, or was given up with its connection. */
const NO_CONNECTION = /Stream isn't writeable|max retries per request|Connection is closed/;

/** How it says that what answers is something else, such as a web server. */
const NO_REDIS = /Unknown RESP type/;

/** What Redis itself answered, or null when the error is a failure to reach it. By shape: clients have their own classes. */
function replyOf(error: unknown): string | null {
  const { name, message } = Object(error) as { name?: unknown; message?: unknown };
  return name === 'ReplyError' ? String(message) : null;
}

/**
 * The one place that decides what an error of Redis (or of the way to it) means. An unreachable server, one in a
 * passing state and one whose set-up is wrong may be tried again; what it cannot execute may not.
 */
export function redisError(error: unknown, place: string): ExchangeError {
  if (error instanceof ExchangeError) return error;
  const reply = replyOf(error);
  if (reply === null) {
    return new ExchangeError(
      { place, expected: 'an answer', ...silence(error, place) },
      { retry: true, cause: error },
    );
  }
  const word = firstWord(reply);
  const remedy = ADVICE[word] ?? 'See the log of Redis.';
  return new ExchangeError(
    { place, expected: 'success', found: printable(reply.replace(/\.$/, '')), remedy },
    { retry: TEMPORARY.has(word) || SETUP.has(word), cause: error },
  );
}

function silence(error: unknown, place: string): Pick<Problem, 'found' | 'remedy'> {
  const isSecure = place.startsWith('rediss:');
  const tls = tlsFailure(error, isSecure, isSecure ? 'redis://' : 'rediss://');
  if (tls !== null) return tls;
  const text = describeError(error);
  if (NO_REDIS.test(text))
    return {
      found: 'one that no Redis gives',
      remedy: 'Check that redis.url is the address of a Redis (rediss:// where it speaks TLS).',
    };
  const found = isUnsent(error) ? 'no connection' : text;
  // A Redis without TLS waits for the end of what it takes for a command.
  const isMute = isSecure && /ETIMEDOUT/.test(text);
  const hint = isMute ? ' If that port speaks no TLS, write redis:// for rediss://.' : '';
  return { found, remedy: `Check that Redis runs and can be reached.${hint}` };
}

/** True for a request that had no connection to go on. */
export const isUnsent = (error: unknown): boolean => NO_CONNECTION.test(describeError(error));

/** True when a server answers that does not take writes, as after a failover. */
export const isOfDemoted = (error: unknown): boolean => DEMOTED.has(firstWord(replyOf(error) ?? ''));

/** True for a set-up that is wrong (credentials, rights): nothing can start with it. */
export const isSetupError = (error: unknown): boolean => SETUP.has(firstWord(replyOf(error) ?? ''));

const firstWord = (reply: string): string =>
  BY_TEXT.find(([pattern]) => pattern.test(reply))?.[1] ?? /^[A-Z]+/.exec(reply)?.[0] ?? '';
