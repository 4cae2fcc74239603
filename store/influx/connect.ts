import type { Retention } from '../../core/rollup.ts';
import { InfluxFailure, strangeAnswer } from './failure.ts';
import { type Connection, request } from './http.ts';
import { query } from './query.ts';
import { setUpDatabase } from './setup.ts';

/** Configuration of InfluxDB: `store.influx` (core/config.ts), `timeout` in ms. */
export interface InfluxConfig {
  readonly url: string;
  readonly version: 'auto' | '1' | '2';
  readonly database: string;
  readonly org: string;
  readonly token: string;
  readonly username: string;
  readonly password: string;
  readonly timeout: number;
}

/** What requests have in common. Tokens are of 2.x and later, users of 1.x. */
export function connectionTo(config: InfluxConfig): Connection {
  const url = new URL(config.url);
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  return {
    url: url.href.replace(/\/+$/, ''),
    headers: authorization(config),
    timeoutMs: config.timeout,
  };
}

function authorization({ version, token, username, password }: InfluxConfig): Record<string, string> {
  if (token !== '' && version !== '1') return { authorization: `Token ${token}` };
  if (username === '') return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/** Version that the server names in its answers (`1.6.7`, `2.9.1`), or null when it names none. */
export async function serverVersion(connection: Connection): Promise<string | null> {
  const ping = await request(connection, '/ping');
  const named = ping.headers.get('x-influxdb-version') ?? (await healthVersion(connection));
  return /^v?(\d+\.\d+[\w.+-]*)/.exec(named)?.[1] ?? null;
}

/** Version in the answer of /health of 2.x; empty when there is none. */
async function healthVersion(connection: Connection): Promise<string> {
  const health = await request(connection, '/health');
  try {
    const value: unknown = JSON.parse(health.body);
    const version = typeof value === 'object' && value !== null && 'version' in value ? value.version : '';
    return typeof version === 'string' ? version : '';
  } catch {
    // Not JSON: not an InfluxDB of 2.x.
    return '';
  }
}

/** The write API to use: as configured, else by the server's version. */
export function writeApiOf(config: InfluxConfig, place: string, version: string | null): '1' | '2' {
  if (config.version !== 'auto') return config.version;
  if (version === null)
    throw strangeAnswer(place, new Error('no version in the answers of /ping and /health'));
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major >= 2) return '2';
  if (major === 1 && minor >= 6) return '1';
  throw strangeAnswer(place, new Error(`version ${version}`));
}

/** Any reading: 1.x answers SHOW statements even for a database that is not there. */
const PROBE = 'SELECT duration_ms FROM host_frames ORDER BY time DESC LIMIT 1';

/** Make sure that the database can be used; on 1.x it is created when missing, with this retention. */
export async function ensureDatabase(
  connection: Connection,
  api: '1' | '2',
  database: string,
  retention: Retention,
): Promise<void> {
  try {
    await query(connection, database, PROBE);
  } catch (error) {
    if (api === '2' || !isMissingDatabase(error)) throw error;
    await setUpDatabase(connection, database, retention, { alter: false });
    await query(connection, database, PROBE);
  }
}

function isMissingDatabase(error: unknown): boolean {
  return error instanceof InfluxFailure && /database not found/i.test(error.problem.found);
}
