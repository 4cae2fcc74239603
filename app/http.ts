import type { Listen } from '../core/config/options.ts';
import { TidegaugeError } from '../core/errors.ts';
import { type Listener, startListener } from '../http/listener.ts';
import { addMetrics, createRegistry, latencyMetric, type Registry } from '../http/registry.ts';
import type { Watched } from './metrics/samples.ts';
import { checksOf, LATENCIES, metricsOf } from './metrics/table.ts';
import type { ProcessContext } from './process-context.ts';
import type { Backends, Observers } from './wire.ts';

interface Roles {
  readonly collect: boolean;
  readonly detect: boolean;
}

/** Ports of `http.listen: auto`. */
const PORTS = { run: 8433, collect: 8434, detect: 8435 } as const;

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

/**
 * Start this process's listener, or none when it is off. A configured address that is in use is an error; a default
 * one is only logged, because several processes of one machine are no mistake.
 */
export async function listen(
  { config, clock, log }: ProcessContext,
  roles: Roles,
  { queue, startup }: Backends,
  { registry }: Measured,
  watched: Omit<Watched, 'clock' | 'queue' | 'startup'>,
): Promise<Listener | null> {
  const address = addressOf(config.http.listen, roles);
  if (!address) return null;
  const all = { ...watched, queue, startup, clock };
  addMetrics(registry, metricsOf(all));
  const checks = checksOf(all, { ...roles, intervalMs: config.capture.interval });
  try {
    return await startListener({ ...address, registry, checks });
  } catch (error) {
    if (config.http.listen !== 'auto' || !(error instanceof TidegaugeError)) throw error;
    log.warn({ reason: error.problem.found }, `no metrics: ${error.problem.place} is in use`);
    return null;
  }
}

function addressOf(listen: Listen, { collect, detect }: Roles): { host: string; port: number } | null {
  if (listen === 'off') return null;
  if (listen !== 'auto') return listen;
  const command = collect && detect ? 'run' : collect ? 'collect' : 'detect';
  return { host: '127.0.0.1', port: PORTS[command] };
}
