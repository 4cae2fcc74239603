import { UsageError } from '../../core/errors.ts';
import type { Listener } from '../../http/listener.ts';
import { createRegistry } from '../../http/registry.ts';
import { BackendStartup } from '../backend-startup.ts';
import { addressOf, makeApi, openListener } from '../http.ts';
import { checksOf, idleMetricsOf } from '../metrics/table.ts';
import { ensureDataFolder, type ProcessContext } from '../process-context.ts';
import { makeState, makeStore } from '../wire.ts';

/** An API over store and state that other processes fill. */
export interface Serving {
  readonly listener: Listener;
  /** Resolves with the reason when store or state were away at the start, came, and cannot be used as configured. */
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

/** Start it. Rejects when nobody could ask it anything, or when store or state cannot be used as configured. */
export async function startServing(context: ProcessContext): Promise<Serving> {
  const { config, clock, log } = context;
  const address = addressOf(config.http.listen, 'serve');
  if (!address) throw nobodyAsks('http.listen', 'off', 'Set http.listen to an address:port.');
  ensureDataFolder(config);
  const store = makeStore(config, log, { readOnly: true });
  const state = makeState(config, clock, log);
  const closeBoth = async () => {
    await Promise.allSettled([state.close(), store.close()]);
  };
  try {
    const startup = await BackendStartup.begin(
      {
        store: async () => {
          const { product, location } = await store.open();
          return `${product}, ${location}`;
        },
        queue: async () => 'not asked',
        state: () => state.open(),
      },
      { clock, log },
    );
    const api = makeApi(context, address.host, { store, state });
    if (!api) throw nobodyAsks('http.tokens', 'an empty list', 'Configure tokens, or listen on 127.0.0.1.');
    const watched = { collector: () => null, worker: () => null, startup, clock };
    const reading = { name: 'reading', failing: () => api.reader.failing };
    const roles = { collect: false, detect: false, intervalMs: config.capture.interval };
    const listener = await openListener(
      {
        ...{ ...address, registry: createRegistry(idleMetricsOf(watched)) },
        checks: [...checksOf(watched, roles), reading],
      },
      api,
    );
    return {
      listener,
      failed: startup.failed,
      async close() {
        startup.close();
        await Promise.all([listener.close(), closeBoth()]);
      },
    };
  } catch (error) {
    await closeBoth();
    throw error;
  }
}

const nobodyAsks = (place: string, found: string, remedy: string): UsageError =>
  new UsageError({ place, expected: 'something by which `serve` can be asked', found, remedy });
