import { join } from 'node:path';
import { type Api, makeApi } from '../../../app/http.ts';
import { load } from '../../../cli/context.ts';
import { systemClock } from '../../../core/clock.ts';
import type { Config } from '../../../core/config/config.ts';
import type { Flow } from '../../../core/traffic/flow.ts';
import { type Listener, startListener } from '../../../http/listener.ts';
import { createRegistry } from '../../../http/registry.ts';
import type { State } from '../../../state/contract.ts';
import { createSqliteState } from '../../../state/sqlite/state.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { busyParts, frameOf } from '../../data/frames.ts';
import { incidentOf, notificationOf, resolved } from '../../data/incidents.ts';
import { type Line, recordingLog } from '../../parts/log.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { writeConfig } from '../../parts/tidegauge.ts';

/** Start of the first stored frame, epoch ms. */
export const T0 = 1_700_000_000_000;
export const HOSTILE = '<script>alert("x")</script>\u202e';
export const RANGE = 'from=2023-11-14T22:00Z&to=2023-11-15T00:00Z';

/** An incident that is over, one that fires with a hostile name, and the message about it that was given up. */
export const OVER = resolved(incidentOf(T0));
export const FIRING = incidentOf(T0 + 60_000, { container: HOSTILE, service: 'shop/<b>' });
export const DEAD = notificationOf(FIRING, 'ops');

const flow = (peer: string, failures: number): Flow => ({
  ...{ container: 'c0000', protocol: 'tcp', role: 'client', peerKind: 'container', peer },
  ...{ peerService: '', address: '10.0.0.2', port: 5432, connections: 1, failures },
  ...{ sentMessages: 1, sentBytes: 2, receivedMessages: 3, receivedBytes: 4 },
});

/** A folder with a store and a state in it, and tidegauge.yaml. */
export async function filledFolder(): Promise<ReturnType<typeof temporaryFolder>> {
  const folder = temporaryFolder();
  writeConfig(folder.path, { data: folder.path, host: 'web-1' });
  const store = new SqliteStore(join(folder.path, 'tidegauge.db'));
  await store.open();
  const connections = [1, 2].map(n => ({
    ...{ container: 'c0000', kind: 'opened' as const, own: '10.0.0.1', peer: `10.0.0.${n}` },
    ...{ port: 80, clientPort: 40_000, count: n },
  }));
  const flows = [flow('c0001', 0), flow(HOSTILE, 2)];
  const { containers, windows } = busyParts(3);
  const named = <T extends { name?: string; container?: string }>(one: T): T => ({
    ...one,
    ...(one.name === 'c0002' ? { name: HOSTILE } : {}),
    ...(one.container === 'c0002' ? { container: HOSTILE } : {}),
  });
  const parts = { containers: containers.map(named), windows: windows.map(named), flows, connections };
  await store.writeFrames(Array.from({ length: 30 }, (_, n) => frameOf('web-1', n, parts)));
  await store.close();
  const state = createSqliteState({ file: join(folder.path, 'state.db'), clock: systemClock });
  await state.open();
  const lease = await state.acquire('lane-0', 'test', 60_000);
  if (!lease) throw new Error('no lease');
  await state.commit(lease, { incidents: [OVER, FIRING], notifications: [DEAD] });
  const given = { attempts: 3, nextAttempt: 0, lastError: '503', failingSince: T0 };
  await state.updateDelivery(lease, DEAD.key, { status: 'dead', ...given });
  await state.close();
  return folder;
}

/** The API of a process on the data of a folder. */
export interface Served {
  readonly listener: Listener;
  readonly api: Api;
  readonly state: State;
  /** What it logged. */
  readonly lines: readonly Line[];
  /** Asks for JSON below /api/v1. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Asked>;
  close(): Promise<void>;
}
export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape.
  readonly json: any;
}

export async function serve(
  folder: string,
  { perMinute = 100_000, ...http }: Partial<Config['http']> & { readonly perMinute?: number } = {},
): Promise<Served> {
  const loaded = load({ config: join(folder, 'tidegauge.yaml') }).config;
  const config = { ...loaded, http: { ...loaded.http, ...http } };
  const store = new SqliteStore(join(folder, 'tidegauge.db'));
  const state = createSqliteState({ file: join(folder, 'state.db'), clock: systemClock });
  await state.open();
  const { log, lines } = recordingLog();
  const context = {
    config,
    clock: systemClock,
    log: log as never,
    signal: new AbortController().signal,
  };
  const api = makeApi(context, '127.0.0.1', { store, state });
  if (!api) throw new Error('no API');
  const options = { ...api.options, perMinute };
  const listener = await startListener({
    ...{ host: '127.0.0.1', port: 0, registry: createRegistry(), checks: [], api: options },
  });
  return {
    ...{ listener, api, state, lines },
    async ask(method, path, body, headers = {}) {
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      const answer = await fetch(`${listener.url}/api/v1${path}`, {
        method,
        headers: { ...type, ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, json: text === '' ? null : JSON.parse(text) };
    },
    async close() {
      await listener.close();
      await api.reader.close();
      await state.close();
    },
  };
}
