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
  sqlite: ({ sqlite, retention }, { data }) =>
    new SqliteStore(sqlite.file || join(data, 'tidegauge.db'), retention),
  influx: ({ influx, retention }, { log }) => new InfluxStore(influx, log, retention),
};

/** The configured store, not yet open. */
export function createStore(config: StoreConfig, deps: StoreDeps): Store {
  return STORES[config.kind](config, deps);
}
