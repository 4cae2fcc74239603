import { type ConnectionFailure, tlsFailure } from '../../core/connection-failure.ts';
import { describeError, ExchangeError, errorCode, printable } from '../../core/errors.ts';

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
const SETUP = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM', 'MOVED', 'DENIED']);

const ENCODED = 'Characters such as @ : / # % are percent-encoded there.';

/** The setting that names who answered. */
type Setting = 'redis.url' | 'redis.sentinels';

/** Servers, not sentinels, have settings of their own for both. */
const apart = (setting: Setting): string =>
  setting === 'redis.url' ? ' As redis.username and redis.password they are not.' : '';

const ADVICE: Readonly<Record<string, (setting: Setting) => string>> = {
  READONLY: () => 'Point redis.url at the master, or name its sentinels in redis.sentinels.',
  OOM: () => 'Give Redis more memory (maxmemory) or find out why nothing is consumed.',
  NOAUTH: setting =>
    `Put user and password into ${setting}: redis://USER:PASSWORD@HOST. ${ENCODED}${apart(setting)}`,
  WRONGPASS: setting => `Correct user and password in ${setting}. ${ENCODED}${apart(setting)}`,
  NOPERM: setting =>
    setting === 'redis.url'
      ? 'Give the user of redis.url the rights `~{tidegauge}* +@all -@dangerous +info`, with the redis.prefix that is configured in the braces.'
      : 'Give the user of redis.sentinels the right `+sentinel`.',
  DENIED: () => PROTECTED_ADVICE,
  MOVED: () => 'It is a node of a Redis Cluster: name more of its nodes in redis.cluster.',
  CLUSTERDOWN: () => CLUSTER_ADVICE,
  ERR_DATABASE: () =>
    'Give a number of a database that the server has (its setting `databases`, 0 to 15 by default).',
  ERR_NO_CLUSTER: () => 'It is no node of a cluster: leave redis.cluster out.',
  ERR_NO_SENTINEL: () =>
    'It is a server: name sentinels in redis.sentinels (port 26379 by default), or leave them out.',
  ERR_NO_SERVER: () =>
    'If it is a sentinel, put its address into redis.sentinels, and the name of its master into redis.url.',
};

/** What its own answer advises first opens it to everybody. */
const PROTECTED_ADVICE =
  'In protected mode Redis refuses other hosts: give it a password (`requirepass`) and an address to listen at (`bind`), or connect over 127.0.0.1.';

const CLUSTER_ADVICE =
  'Check that its nodes run and can be reached; `redis-cli cluster info` and `cluster nodes` say more.';

/** What ioredis says when there is none, and nothing else, to go on. */
const SEARCHES: readonly (readonly [RegExp, ConnectionFailure])[] = [
  [
    /^All sentinels are unreachable/,
    {
      found: 'no sentinel that names a master',
      remedy:
        'Check that the sentinels of redis.sentinels run, can be reached and know the master of redis.url.',
    },
  ],
  [
    /^Failed to refresh slots cache/,
    { found: 'no node of the cluster that answers', remedy: CLUSTER_ADVICE },
  ],
  [
    /^Too many Cluster redirections/,
    { found: 'no node of the cluster that serves the keys', remedy: CLUSTER_ADVICE },
  ],
];

/** Answers that begin with ERR, and what they are. */
const BY_TEXT: readonly (readonly [RegExp, string])[] = [
  // Redis 6.2 puts what a command in a script was refused with after words of its own.
  [/^ERR Error running script .* -READONLY /, 'READONLY'],
  [/^ERR The user executing the script can't run this command/, 'NOPERM'],
  [/^ERR (DB index is out of range|invalid DB index)/, 'ERR_DATABASE'],
  [/^ERR This instance has cluster support disabled/, 'ERR_NO_CLUSTER'],
  [/^ERR unknown command .?sentinel/i, 'ERR_NO_SENTINEL'],
  [/^ERR unknown command .?eval/i, 'ERR_NO_SERVER'],
];

/** How ioredis says that a request was not sent, or was given up with its connection. */
const NO_CONNECTION =
  /Stream isn't writeable|max retries per request|Connection is closed|Cluster isn't ready|None of startup nodes is available/;

/** How it says that what answers is something else, such as a web server. */
const NO_REDIS = /Unknown RESP type/;

/** What Redis itself answered, or null when the error is a failure to reach it. By shape: clients have their own classes. */
function replyOf(error: unknown): string | null {
  const { name, message, lastNodeError } = Object(error) as Record<string, unknown>;
  // What the last node of a cluster answered, when none helped.
  if (lastNodeError) return replyOf(lastNodeError);
  return name === 'ReplyError' ? String(message) : null;
}

/**
 * The one place that decides what an error of Redis (or of the way to it) means. An unreachable server, one in a
 * passing state and one whose set-up is wrong may be tried again; what it cannot execute may not. `setting`: what has to
 * be mended for it.
 */
export function redisError(error: unknown, place: string, setting: Setting = 'redis.url'): ExchangeError {
  if (error instanceof ExchangeError) return error;
  const reply = replyOf(error);
  if (reply === null) {
    return new ExchangeError(
      { place, expected: 'an answer', ...silence(error, place, setting) },
      { retry: true, cause: error },
    );
  }
  const word = firstWord(reply);
  const remedy = ADVICE[word]?.(setting) ?? 'See the log of Redis.';
  return new ExchangeError(
    { place, expected: 'success', found: printable(reply.replace(/\.$/, '')), remedy },
    { retry: TEMPORARY.has(word) || SETUP.has(word), cause: error },
  );
}

/** The same while opening, when a wrong set-up is final. */
export function openError(error: unknown, place: string, setting: Setting = 'redis.url'): ExchangeError {
  const failure = redisError(error, place, setting);
  return isSetupError(error) ? new ExchangeError(failure.problem, { retry: false, cause: error }) : failure;
}

function silence(error: unknown, place: string, setting: Setting): ConnectionFailure {
  const isSecure = place.startsWith('rediss:');
  const tls = tlsFailure(error, isSecure, isSecure ? 'redis://' : 'rediss://');
  // In protected mode it says why and closes at once: what is being written meanwhile fails sooner than that is read.
  const isHungUp = !isSecure && /^(ECONNRESET|EPIPE)$/.test(errorCode(error) ?? '');
  const guess = isHungUp ? ` ${PROTECTED_ADVICE}` : '';
  if (tls !== null) return { ...tls, remedy: `${tls.remedy}${guess}` };
  const text = describeError(error);
  if (NO_REDIS.test(text))
    return {
      found: 'one that no Redis gives',
      remedy: `Check that ${setting} is the address of a Redis (rediss:// where it speaks TLS).`,
    };
  const search = SEARCHES.find(([pattern]) => pattern.test(text));
  if (search) return search[1];
  const found = isUnsent(error) ? 'no connection' : text;
  // A Redis without TLS waits for the end of what it takes for a command.
  const isMute = isSecure && /ETIMEDOUT/.test(text);
  const hint = isMute ? ' If that port speaks no TLS, write redis:// for rediss://.' : '';
  const who = setting === 'redis.sentinels' ? 'the sentinel' : 'Redis';
  return { found, remedy: `Check that ${who} runs and can be reached.${hint}${guess}` };
}

/** True for a request that had no connection to go on. */
export const isUnsent = (error: unknown): boolean => NO_CONNECTION.test(describeError(error));

/** True when a server answers that does not take writes, as after a failover. */
export const isOfDemoted = (error: unknown): boolean => DEMOTED.has(firstWord(replyOf(error) ?? ''));

/** True for a set-up that is wrong (credentials, rights): nothing can start with it. */
export const isSetupError = (error: unknown): boolean => SETUP.has(firstWord(replyOf(error) ?? ''));

const firstWord = (reply: string): string =>
  BY_TEXT.find(([pattern]) => pattern.test(reply))?.[1] ?? /^[A-Z]+/.exec(reply)?.[0] ?? '';
