import type { z } from 'zod';
import type { Config } from '../../core/config/config.ts';
import type { Loaded, Schema } from './load.ts';
import { schemaKeys } from './schema-keys.ts';

/** Settings that something else makes idle. */
interface Row<Of> {
  /** Keys, or groups of them. */
  readonly keys: readonly string[];
  readonly works: (of: Of) => boolean;
  readonly because: (of: Of) => string;
}

const kindOf = (part: 'store' | 'queue' | 'state') => (config: Config) =>
  `${part}.kind is ${config[part].kind}`;
const version = ({ store }: Config) => `store.influx.version is ${store.influx.version}`;

/** Of the whole configuration. */
const SETTINGS: readonly Row<Config>[] = [
  { keys: ['store.sqlite'], works: c => c.store.kind === 'sqlite', because: kindOf('store') },
  { keys: ['store.influx'], works: c => c.store.kind === 'influx', because: kindOf('store') },
  { keys: ['store.influx.org'], works: c => /auto|2/.test(c.store.influx.version), because: version },
  { keys: ['store.influx.token'], works: c => c.store.influx.version !== '1', because: version },
  {
    keys: ['store.influx.username', 'store.influx.password'],
    works: c => c.store.influx.token === '' || /auto|1/.test(c.store.influx.version),
    because: () => 'store.influx.token is used instead',
  },
  { keys: ['state.sqlite'], works: c => c.state.kind === 'sqlite', because: kindOf('state') },
  {
    keys: ['redis'],
    works: c => c.queue.kind === 'bullmq' || c.state.kind === 'redis',
    because: c => `${kindOf('queue')(c)} and ${kindOf('state')(c)}`,
  },
  {
    keys: ['collector.groups'],
    works: c => c.collector.user !== '',
    because: () => 'collector.user is empty',
  },
  {
    keys: ['capture.service_ranges'],
    works: ({ capture: { probe, hook } }) => /auto|flows/.test(probe) && /auto|tracepoint/.test(hook),
    because: ({ capture: { probe, hook } }) => `probe ${probe} at hook ${hook} sees no flows`,
  },
  {
    keys: ['capture.zerocopy'],
    works: ({ capture: { hook } }) => /auto|tracepoint/.test(hook),
    because: ({ capture: { hook } }) => `hook ${hook} needs no such tracepoints`,
  },
  {
    keys: ['http.containers'],
    works: c => c.http.listen !== 'off',
    because: () => 'http.listen is off',
  },
  {
    keys: ['heartbeat.every', 'heartbeat.timeout'],
    works: c => c.heartbeat.url !== '',
    because: () => 'heartbeat.url is empty',
  },
];

type Options = Readonly<Record<string, unknown>>;

/** Of rules, by their detector. */
const RULES: readonly (Row<Options> & { readonly use: string })[] = [
  {
    use: 'threshold',
    keys: ['within', 'at_least'],
    works: o => o.rises_by !== undefined || o.falls_by !== undefined,
    because: () => 'it goes with rises_by and falls_by; how long a limit has to be exceeded is `for`',
  },
];

interface Kind {
  readonly name: string;
  readonly options: z.ZodType;
}

/**
 * A line for each setting that was given, other than its default is, and that changes nothing:
 * `tidegauge.yaml:3:5: store.influx.url has no effect: store.kind is sqlite`.
 */
export function unusedSettings(
  { config, given }: Pick<Loaded, 'config' | 'given'>,
  schema: Schema,
  detectors: readonly Kind[],
): string[] {
  const line = (path: readonly PropertyKey[], fallback: string | null, because: string): string[] => {
    const found = given(path);
    if (!found || textOf(found.value) === fallback) return [];
    return [`${found.place}: ${path.join('.')} has no effect: ${because}`];
  };
  const known = schemaKeys(schema);
  const ofAll = idle(SETTINGS, config).flatMap(({ keys, because }) =>
    known
      .filter(({ path }) => keys.some(key => `${path.join('.')}.`.startsWith(`${key}.`)))
      .flatMap(({ path, fallback }) => line(path, fallback, because(config))),
  );
  const listed = given(['detectors'])?.value;
  // In the file: `auto` stands for several of the configuration.
  const placeOf = (name: string) =>
    Array.isArray(listed) ? listed.findIndex(one => Object(one).name === name) : -1;
  const ofRules = config.detectors.flatMap(({ use, name, options }) => {
    const i = placeOf(name);
    if (i === -1) return [];
    const mine = schemaKeys(detectors.find(({ name }) => name === use)?.options ?? schema);
    const rows = RULES.filter(row => row.use === use);
    return idle(rows, options as Options).flatMap(({ keys, because }) =>
      mine
        .filter(({ path: [key = ''] }) => keys.includes(key))
        .flatMap(({ path, fallback }) =>
          line(['detectors', i, ...path], fallback, because(options as Options)),
        ),
    );
  });
  return [...ofAll, ...ofRules];
}

/** Variables that name a proxy for requests over HTTP; curl and others know them in both spellings. */
const PROXIES = ['HTTPS_PROXY', 'HTTP_PROXY'].flatMap(name => [name, name.toLowerCase()]);

/** Whether Node would take it for the address of a proxy; with another it ends before a line of this program has run. */
function isProxy(value: string): boolean {
  return /^https?:$/.test(URL.parse(value)?.protocol ?? '');
}

/**
 * A line for each variable that names a proxy which Node was not told to use, where anything is asked over HTTP. Their
 * values may hold passwords, and are not shown.
 */
export function unusedProxies(
  { store, receivers, heartbeat }: Pick<Config, 'store' | 'receivers' | 'heartbeat'>,
  env: NodeJS.ProcessEnv,
): string[] {
  const isUsed = env.NODE_USE_ENV_PROXY === '1' || /--use-env-proxy\b/.test(env.NODE_OPTIONS ?? '');
  const asksOthers = store.kind === 'influx' || receivers.length > 0 || heartbeat.url !== '';
  if (isUsed || !asksOthers) return [];
  return PROXIES.filter(name => (env[name] ?? '') !== '').map(name =>
    isProxy(env[name] ?? '')
      ? `environment variable ${name} has no effect without NODE_USE_ENV_PROXY=1: all are asked directly`
      : `environment variable ${name} is no address of a proxy, such as http://proxy.example:3128; with NODE_USE_ENV_PROXY=1 Node itself would end at its start`,
  );
}

const idle = <Of>(rows: readonly Row<Of>[], of: Of): readonly Row<Of>[] => rows.filter(row => !row.works(of));

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
