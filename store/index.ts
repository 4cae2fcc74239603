import { join } from 'node:path';
import type { Config } from '../core/config/config.ts';
import type { Log } from '../core/log.ts';
import type { Store } from './contract.ts';
import { InfluxStore } from './influx/store.ts';
import { SqliteStore } from './sqlite/store.ts';

export interface StoreDeps {
  /** Directory for what tidegauge keeps. */
  readonly data: string;
  readonly log: Log;
  /** Only look: a file of the store must be there and stays as it is. A server is asked as ever. */
  readonly readOnly?: boolean;
}

type StoreConfig = Config['store'];

/** Every kind of store: one row each. */
const STORES: Readonly<Record<StoreConfig['kind'], (config: StoreConfig, deps: StoreDeps) => Store>> = {
  sqlite: (config, { data, readOnly = false }) =>
    new SqliteStore(sqliteFile(config, data), config.retention, { readOnly }),
  influx: ({ influx, retention }, { log }) => new InfluxStore(influx, log, retention),
};

const sqliteFile = ({ sqlite }: StoreConfig, data: string): string =>
  sqlite.file || join(data, 'tidegauge.db');

/** The file that the configured store is, or null when it is a server. */
export const storeFile = (config: StoreConfig, data: string): string | null =>
  config.kind === 'sqlite' ? sqliteFile(config, data) : null;

/** The configured store, not yet open. */
export function createStore(config: StoreConfig, deps: StoreDeps): Store {
  return STORES[config.kind](config, deps);
}
