import type { RedisServers } from '../../core/config/redis.ts';
import { ExchangeError } from '../../core/errors.ts';
import { type Access, addressesOf, type Endpoint, placeOf } from './addresses.ts';
import { askOnce } from './client.ts';
import { openError } from './errors.ts';

/**
 * Why no master was found by sentinels, or no cluster by its nodes: the client tells no more than that. Each of them is
 * asked alone. Null when they do their part, and for a single server, whose connection says all that is to say.
 */
export async function explain(servers: RedisServers): Promise<ExchangeError | null> {
  const addresses = addressesOf(servers);
  if (addresses.kind === 'single') return null;
  const place = placeOf(servers);
  if (addresses.kind === 'cluster') {
    const answers = await askAll(addresses.nodes, addresses.access, ['CLUSTER', 'INFO']);
    return refusalIn(answers, 'redis.url') ?? downCluster(answers, place);
  }
  const { sentinels, sentinelAccess, name } = addresses;
  const question = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name] as const;
  const answers = await askAll(sentinels, sentinelAccess, question);
  return refusalIn(answers, 'redis.sentinels') ?? unknownMaster(answers, place, name);
}

/** What one of them said, or why nothing; and where it is. */
interface Answer {
  readonly place: string;
  readonly value?: unknown;
  readonly error?: unknown;
}

const askAll = (
  endpoints: readonly Endpoint[],
  access: Access,
  question: readonly [string, ...string[]],
): Promise<Answer[]> =>
  Promise.all(
    endpoints.map(async ({ host, port }): Promise<Answer> => {
      const place = `redis${access.tls ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}`;
      try {
        return { place, value: await askOnce({ host, port }, access, question) };
      } catch (error) {
        return { place, error };
      }
    }),
  );

/** When nobody answered as it should: a refusal sooner than a silence. */
function refusalIn(
  answers: readonly Answer[],
  setting: 'redis.url' | 'redis.sentinels',
): ExchangeError | null {
  if (answers.some(({ error }) => error === undefined)) return null;
  const failures = answers.map(({ place, error }) => openError(error, place, setting));
  return failures.find(({ retry }) => !retry) ?? failures[0] ?? null;
}

function downCluster(answers: readonly Answer[], place: string): ExchangeError | null {
  if (answers.some(({ value }) => /^cluster_state:ok/m.test(String(value)))) return null;
  return new ExchangeError(
    {
      place,
      expected: 'a cluster that serves its keys',
      found: 'cluster_state:fail',
      remedy: 'See what `redis-cli cluster info` and `cluster nodes` say.',
    },
    { retry: true },
  );
}

function unknownMaster(answers: readonly Answer[], place: string, name: string): ExchangeError | null {
  if (answers.some(({ value }) => Array.isArray(value))) return null;
  return new ExchangeError(
    {
      place,
      expected: `sentinels that know the master ${name}`,
      found: 'none that does',
      remedy: 'Write the name that stands behind `sentinel monitor` in their configuration into redis.url.',
    },
    { retry: false },
  );
}
