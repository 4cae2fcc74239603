import { CAPS } from '../../../core/caps.ts';
import { strangeAnswer } from './failure.ts';
import { type Answer, type Connection, refusal, request } from './http.ts';
import type { Api } from './target.ts';

/** Configuration of InfluxDB: `store.influx` (core/config/config.ts), `timeout` in ms. */
export interface InfluxConfig {
  readonly url: string;
  readonly version: 'auto' | Api;
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
    answerBytes: CAPS.answerBytes.limit,
  };
}

function authorization({ version, token, username, password }: InfluxConfig): Record<string, string> {
  if (token !== '' && version !== '1') return { authorization: `Token ${token}` };
  if (username === '') return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/** Version that the server names in its answers (`1.6.7`, `2.9.1`, `3.6.0`), or null when it names none. */
export async function serverVersion(connection: Connection): Promise<string | null> {
  const ping = await asked(connection, '/ping');
  const named = ping.headers.get('x-influxdb-version') ?? (await healthVersion(connection));
  return /^v?(\d+\.\d+[\w.+-]*)/.exec(named)?.[1] ?? null;
}

/** What an InfluxDB refuses with: 3 tells nothing to strangers, and answers 400 where a token is malformed. */
const REFUSALS = [400, 401, 403, 429];

/** An answer, also of what may be no InfluxDB. One of 500 and more is of a server, or of the proxy before it, that starts. */
async function asked(connection: Connection, path: string): Promise<Answer> {
  const answer = await request(connection, path);
  if (answer.status >= 500 || REFUSALS.includes(answer.status)) throw refusal(connection, path, answer);
  return answer;
}

/** Version in the answer of /health of 2.x; empty when there is none. */
async function healthVersion(connection: Connection): Promise<string> {
  const health = await asked(connection, '/health');
  try {
    const value: unknown = JSON.parse(health.body);
    const version = typeof value === 'object' && value !== null && 'version' in value ? value.version : '';
    return typeof version === 'string' ? version : '';
  } catch {
    // Not JSON: not an InfluxDB of 2.x.
    return '';
  }
}

/** The API to use: as configured, else by the server's version. */
export function apiOf(config: InfluxConfig, place: string, version: string | null): Api {
  if (config.version !== 'auto') return config.version;
  if (version === null)
    throw strangeAnswer(place, new Error('no version in the answers of /ping and /health'));
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major >= 3) return '3';
  if (major === 2) return '2';
  if (major === 1 && minor >= 6) return '1';
  throw strangeAnswer(place, new Error(`version ${version}`));
}
