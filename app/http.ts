import type { Listen } from '../core/config/options.ts';
import { TidegaugeError } from '../core/errors.ts';
import { type Listener, startListener } from '../http/listener.ts';
import { createRegistry, latencyMetric } from '../http/registry.ts';
import { timed } from '../http/timed.ts';
import type { Watched } from './metrics/samples.ts';
import { checksOf, LATENCIES, metricsOf } from './metrics/table.ts';
import type { ProcessContext } from './process-context.ts';
import type { Backends } from './wire.ts';

interface Roles {
  readonly collect: boolean;
  readonly detect: boolean;
}

/** Ports of `http.listen: auto`. */
const PORTS = { run: 8433, collect: 8434, detect: 8435 } as const;

/**
 * Start this process's listener, or none when it is off. An address that was asked for and cannot be had is an error;
 * a default one that somebody else has is only said: several processes of one machine are no mistake.
 * Store and queue are timed from here on.
 */
export async function listen(
  { config, clock, log }: ProcessContext,
  roles: Roles,
  backends: Backends,
  watched: Omit<Watched, 'clock' | 'queue' | 'startup'>,
): Promise<Listener | null> {
  const address = addressOf(config.http.listen, roles);
  if (!address) return null;
  const all = { ...watched, queue: backends.queue, startup: backends.startup, clock };
  const registry = createRegistry(metricsOf(all));
  const checks = checksOf(all, { ...roles, intervalMs: config.capture.interval });
  try {
    const listener = await startListener({ ...address, registry, checks });
    measureLatencies(backends, {
      clock,
      store: latencyMetric(registry, LATENCIES.store),
      queue: latencyMetric(registry, LATENCIES.queue),
    });
    return listener;
  } catch (error) {
    if (config.http.listen !== 'auto' || !(error instanceof TidegaugeError)) throw error;
    log.warn(`no metrics: ${error.problem.place}: ${error.problem.found}`);
    return null;
  }
}

function addressOf(listen: Listen, { collect, detect }: Roles): { host: string; port: number } | null {
  if (listen === 'off') return null;
  if (listen !== 'auto') return listen;
  const command = collect && detect ? 'run' : collect ? 'collect' : 'detect';
  return { host: '127.0.0.1', port: PORTS[command] };
}

function measureLatencies(
  { store, queue }: Backends,
  {
    clock,
    ...to
  }: Pick<ProcessContext, 'clock'> & Record<'store' | 'queue', ReturnType<typeof latencyMetric>>,
): void {
  const ofStore = { clock, observe: to.store };
  store.writeFrames = timed('frames', store.writeFrames.bind(store), ofStore);
  store.writeDetections = timed('detections', store.writeDetections.bind(store), ofStore);
  store.writeAnnotations = timed('annotations', store.writeAnnotations.bind(store), ofStore);
  queue.publish = timed('publish', queue.publish.bind(queue), { clock, observe: to.queue });
}
