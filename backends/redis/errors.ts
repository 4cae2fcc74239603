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
  'OOM', // full, until something is consumed or the limit is raised
  'MISCONF', // cannot save to disk at the moment
]);

/** Answers that an administrator repairs, while whatever was to be written waits. While opening they are final. */
const SETUP = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM']);

const ADVICE: Readonly<Record<string, string>> = {
  OOM: 'Give Redis more memory (maxmemory) or find out why nothing is consumed.',
  NOAUTH: 'Put the password into redis.url.',
  WRONGPASS: 'Correct user and password in redis.url.',
  NOPERM: 'Give the user of redis.url all commands on the keys of redis.prefix.',
};

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
      { place, expected: 'an answer', ...silence(error) },
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

function silence(error: unknown): Pick<Problem, 'found' | 'remedy'> {
  const text = describeError(error);
  if (NO_REDIS.test(text))
    return {
      found: 'one that no Redis gives',
      remedy: 'Check that redis.url is the address of a Redis (rediss:// where it speaks TLS).',
    };
  const found = isUnsent(error) ? 'no connection' : text;
  return { found, remedy: 'Check that Redis runs and can be reached.' };
}

/** True for a request that had no connection to go on. */
export const isUnsent = (error: unknown): boolean => NO_CONNECTION.test(describeError(error));

/** True for a set-up that is wrong (credentials, rights): nothing can start with it. */
export const isSetupError = (error: unknown): boolean => SETUP.has(firstWord(replyOf(error) ?? ''));

const firstWord = (reply: string): string => /^[A-Z]+/.exec(reply)?.[0] ?? '';
