import { join } from 'node:path';
import { pino } from 'pino';
import type { Store } from '../../store/contract.ts';
import type { InfluxConfig } from '../../store/influx/client/connect.ts';
import { InfluxStore } from '../../store/influx/store.ts';
import { SqliteStore } from '../../store/sqlite/store.ts';
import { startInflux } from '../parts/influx.ts';
import { temporaryFolder } from '../parts/process.ts';

/** A store on real parts, open. */
export interface UnderTest {
  readonly store: Store;
  stop(): Promise<void>;
}

export const silentLog = pino({ level: 'silent' });

export function influxConfig(url: string, changes: Partial<InfluxConfig> = {}): InfluxConfig {
  return {
    url,
    version: 'auto',
    database: 'tidegauge',
    org: '',
    token: '',
    username: '',
    password: '',
    timeout: 10_000,
    ...changes,
  };
}

export async function sqliteUnderTest(): Promise<UnderTest> {
  const folder = temporaryFolder();
  const store = new SqliteStore(join(folder.path, 'new', 'tidegauge.db'));
  await store.open();
  return {
    store,
    async stop() {
      await store.close();
      folder.remove();
    },
  };
}

/**
 * An influxd of our own, or the one at TIDEGAUGE_TEST_INFLUX_URL (with _DATABASE, _ORG, _TOKEN; its database should
 * be empty), so that the suite can be run against other versions by hand.
 */
export async function influxUnderTest(): Promise<UnderTest> {
  const { TIDEGAUGE_TEST_INFLUX_URL: url } = process.env;
  const server = url ? null : await startInflux();
  const config = influxConfig(url ?? server?.url ?? '', {
    database: process.env.TIDEGAUGE_TEST_INFLUX_DATABASE ?? 'tidegauge',
    org: process.env.TIDEGAUGE_TEST_INFLUX_ORG ?? '',
    token: process.env.TIDEGAUGE_TEST_INFLUX_TOKEN ?? '',
  });
  const store = new InfluxStore(config, silentLog);
  await store.open();
  return {
    store,
    async stop() {
      await store.close();
      await server?.stop();
    },
  };
}

export const ALL = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/** Names of hosts, a new one for each test and property run, so that they do not meet. */
export function hostNames(prefix: string): (suffix?: string) => string {
  let hosts = 0;
  return (suffix = '') => `${prefix}-${++hosts}${suffix}`;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
