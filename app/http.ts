import type { Config } from '../core/config/config.ts';
import type { Listen } from '../core/config/options.ts';
import { TidegaugeError } from '../core/errors.ts';
import { Access, isLoopback } from '../http/api/access.ts';
import { OPERATIONS } from '../http/api/resources/index.ts';
import type { ApiOptions } from '../http/api/routes.ts';
import { type Listener, type ListenerOptions, startListener } from '../http/listener.ts';
import { addMetrics, createRegistry, latencyMetric, type Registry } from '../http/registry.ts';
import { learntFrom } from './api/learnt.ts';
import { reasonsFrom } from './api/reasons.ts';
import { ThreadReader } from './api/thread-reader.ts';
import type { Watched } from './metrics/samples.ts';
import { checksOf, LATENCIES, metricsOf } from './metrics/table.ts';
import type { ProcessContext } from './process-context.ts';
import { VERSION } from './version.ts';
import type { Backends, Observers } from './wire.ts';

interface Roles {
  readonly collect: boolean;
  readonly detect: boolean;
}

/** Ports of `http.listen: auto`. */
const PORTS = { run: 8433, serve: 8433, collect: 8434, detect: 8435 } as const;
/** Requests of one address in a minute that the API answers. */
const PER_MINUTE = 600;

/** What this process measures; `observe` is told as it happens. */
export interface Measured {
  readonly registry: Registry;
  readonly observe: Observers;
}

/** A registry with the latencies of store and queue; `listen` adds what is read from a status. */
export function startMeasuring(): Measured {
  const registry = createRegistry();
  const { store, queue } = LATENCIES;
  return {
    registry,
    observe: { store: latencyMetric(registry, store), queue: latencyMetric(registry, queue) },
  };
}

/** The API of a process, and the thread in which it reads. */
export interface Api {
  readonly options: ApiOptions;
  readonly reader: ThreadReader;
}

/** The API as configured; null, with a line in the log, where nobody may use it. */
export function makeApi(
  { config, clock, log }: ProcessContext,
  host: string,
  { store, state }: Pick<Backends, 'store' | 'state'>,
): Api | null {
  const access = new Access(config.http.tokens, host);
  if (!access.isOpen) {
    log.warn(`no API: ${host} can be reached from other machines, and http.tokens is empty`);
    return null;
  }
  const reader = new ThreadReader(config, clock);
  const learntOf = learntFrom(config, { store, state });
  const shared = { store, state, learntOf, reasons: async () => reasonsFrom(config), host: config.host };
  return {
    reader,
    options: {
      ...{ operations: OPERATIONS, access, reader, shared, clock, log },
      ...{ version: VERSION, perMinute: PER_MINUTE },
    },
  };
}

/**
 * Start this process's listener, or none when it is off. A configured address that is in use is an error; a default
 * one is only logged, because several processes of one machine are no mistake.
 */
export async function listen(
  context: ProcessContext,
  roles: Roles,
  { queue, startup, store, state }: Backends,
  { registry }: Measured,
  watched: Omit<Watched, 'clock' | 'queue' | 'startup'>,
): Promise<Listener | null> {
  const { config, clock, log } = context;
  const address = addressOf(config.http.listen, commandOf(roles));
  if (!address) return null;
  const all = { ...watched, queue, startup, clock };
  addMetrics(registry, metricsOf(all));
  const checks = checksOf(all, { ...roles, intervalMs: config.capture.interval });
  const api = roles.collect && roles.detect ? makeApi(context, address.host, { store, state }) : null;
  try {
    return await openListener({ ...address, registry, checks }, api);
  } catch (error) {
    if (config.http.listen !== 'auto' || !(error instanceof TidegaugeError)) throw error;
    const what = api === null ? 'metrics' : 'page, API and metrics of this process';
    log.warn({ reason: error.problem.found }, `no ${what}: ${error.problem.place} is in use`);
    return null;
  }
}

/** A listener that ends what its API reads with. */
export async function openListener(
  options: Omit<ListenerOptions, 'api'>,
  api: Api | null,
): Promise<Listener> {
  const listener = await startListener({ ...options, api: api?.options ?? null });
  return {
    url: listener.url,
    hasPage: listener.hasPage,
    async close() {
      await Promise.all([listener.close(), api?.reader.close()]);
    },
  };
}

const commandOf = ({ collect, detect }: Roles): keyof typeof PORTS =>
  collect && detect ? 'run' : collect ? 'collect' : 'detect';

/**
 * What messages of a process link to: the page as configured, or its own where it has one that nobody but this machine
 * reaches; empty: nothing.
 */
export function pageOf({ http }: Pick<Config, 'http'>, roles: Roles): string {
  if (http.external_url !== '' || !roles.collect || !roles.detect) return http.external_url;
  const address = addressOf(http.listen, 'run');
  if (address === null || !isLoopback(address.host)) return '';
  const { host, port } = address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Where a command listens; null: nowhere. */
export function addressOf(
  listen: Listen,
  command: keyof typeof PORTS,
): { host: string; port: number } | null {
  if (listen === 'off') return null;
  return listen === 'auto' ? { host: '127.0.0.1', port: PORTS[command] } : listen;
}
