import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { DETECTOR_ROWS, SCHEMA } from '../../../app/wire.ts';
import { loadConfig } from '../../../cli/config/load.ts';
import { unusedProxies, unusedSettings } from '../../../cli/config/unused-settings.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { tidegauge } from '../../parts/tidegauge.ts';

const folder = temporaryFolder();
afterAll(folder.remove);
const file = join(folder.path, 'tidegauge.yaml');

function linesOf(text: string, env: Record<string, string> = {}): string[] {
  writeFileSync(file, text);
  const loaded = loadConfig(SCHEMA, { file, env, machine: { hostname: 'box', data: folder.path } });
  return unusedSettings(loaded, SCHEMA, DETECTOR_ROWS).map(line => line.replace(file, 'F'));
}

const rule = (options: string) => `detectors: [{use: threshold, name: a, ${options}}]`;

describe('settings without effect', () => {
  it.each([
    [
      'store: {influx: {url: "http://db:8086"}}',
      'F:1:23: store.influx.url has no effect: store.kind is sqlite',
    ],
    ['store: {kind: influx, sqlite: {file: x.db}}', 'store.sqlite.file has no effect: store.kind is influx'],
    ['store: {kind: influx, influx: {version: "1", token: t}}', 'store.influx.version is 1'],
    ['store: {kind: influx, influx: {version: "3", org: o}}', 'store.influx.version is 3'],
    [
      'store: {kind: influx, influx: {version: "2", token: t, username: u}}',
      'store.influx.token is used instead',
    ],
    ['redis: {prefix: other}', 'redis.prefix has no effect: queue.kind is inline and state.kind is sqlite'],
    ['state: {kind: redis, sqlite: {file: x.db}}', 'state.sqlite.file has no effect: state.kind is redis'],
    ['collector: {groups: docker}', 'collector.groups has no effect: collector.user is empty'],
    ['capture: {probe: packed, service_ranges: [10.0.0.0/8]}', 'probe packed at hook auto sees no flows'],
    [rule('above: 1MiB/s, within: 5m'), 'detectors.0.within has no effect: it goes with rises_by'],
    [rule('above: 1MiB/s, at_least: 1MiB/s'), 'detectors.0.at_least has no effect'],
  ])('are told with their place: %s', (text, line) => {
    expect(linesOf(text)).toEqual([expect.stringContaining(line)]);
  });

  it.each([
    '',
    'store: {kind: influx, influx: {url: "http://db:8086", token: t, org: o}}',
    'store: {kind: influx, influx: {version: "3", username: u, password: p}}',
    'store: {influx: {url: "http://127.0.0.1:8086", timeout: 10s}}',
    'queue: {kind: bullmq}\nredis: {prefix: other}',
    'state: {kind: redis}\nredis: {prefix: other}',
    'collector: {user: someone, groups: docker}',
    rule('above: 1MiB/s, within: 1m'),
    rule('rises_by: 3x, at_least: 1MiB/s, within: 5m'),
  ])('are not those that work, or that are what they are by default: %s', text => {
    expect(linesOf(text)).toEqual([]);
  });

  it('are told of environment variables too, and never with their values', () => {
    const env = { TIDEGAUGE_STORE_INFLUX_TOKEN: 'hunter2' };
    expect(linesOf('', env)).toEqual([
      'environment variable TIDEGAUGE_STORE_INFLUX_TOKEN: store.influx.token has no effect: store.kind is sqlite',
    ]);
  });

  it('are proxies that Node was not told to use, never with their values', () => {
    const proxy = { HTTPS_PROXY: 'http://user:hunter2@proxy:3128', http_proxy: '' };
    const of = (text: string, env: NodeJS.ProcessEnv) => {
      writeFileSync(file, text);
      const machine = { hostname: 'box', data: folder.path };
      return unusedProxies(loadConfig(SCHEMA, { file, env: {}, machine }).config, env);
    };
    const asking = 'receivers: [{use: webhook, name: chat, url: "https://chat.example/"}]';
    expect(of(asking, proxy)).toEqual([
      'environment variable HTTPS_PROXY has no effect without NODE_USE_ENV_PROXY=1: all are asked directly',
    ]);
    expect(of('store: {kind: influx}', { http_proxy: 'http://proxy' })).toEqual([
      expect.stringMatching(/^environment variable http_proxy /),
    ]);
    expect(of(asking, { ...proxy, NODE_USE_ENV_PROXY: '1' })).toEqual([]);
    expect(of(asking, { ...proxy, NODE_OPTIONS: '--use-env-proxy' })).toEqual([]);
    expect(of('', proxy)).toEqual([]);
    for (const wrong of ['proxy:3128', 'user:hunter2@proxy', 'socks5://proxy', 'http://', 'a b'])
      expect(of(asking, { HTTPS_PROXY: wrong })).toEqual([
        'environment variable HTTPS_PROXY is no address of a proxy, such as http://proxy.example:3128; with NODE_USE_ENV_PROXY=1 Node itself would end at its start',
      ]);
  });

  it('are told by check, whose output as a configuration says nothing new', async () => {
    writeFileSync(file, 'redis: {prefix: other}\n');
    const check = async () => {
      const child = tidegauge(['check'], { cwd: folder.path });
      await child.ended(0);
      return child.output;
    };
    const first = await check();
    expect(first).toContain('# warning: tidegauge.yaml:1:17: redis.prefix has no effect');
    writeFileSync(file, first);
    expect((await check()).match(/warning: .*/g)).toEqual([
      expect.stringMatching(/redis\.prefix has no effect/),
    ]);
  });
});
