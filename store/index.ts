import { join } from 'node:path';
import type { Config } from '../core/config.ts';
import type { Log } from '../core/log.ts';
import type { Store } from './contract.ts';
import { InfluxStore } from './influx/store.ts';
import { SqliteStore } from './sqlite/store.ts';

export interface StoreDeps {
  /** Directory for what tidegauge keeps. */
  readonly data: string;
  readonly log: Log;
}

type StoreConfig = Config['store'];

/** Every kind of store: one row each. */
const STORES: Readonly<Record<StoreConfig['kind'], (config: StoreConfig, deps: StoreDeps) => Store>> = {
  sqlite: ({ sqlite }, { data }) => new SqliteStore(sqlite.file || join(data, 'tidegauge.db')),
  influx: ({ influx }, { log }) => new InfluxStore(influx, log),
};

/** The configured store, not yet open. */
export function createStore(config: StoreConfig, deps: StoreDeps): Store {
  return STORES[config.kind](config, deps);
}
