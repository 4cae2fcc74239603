import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Frame } from '../../core/traffic/frame.ts';
import { InfluxStore } from '../../store/influx/store.ts';
import { type InfluxServer, startInflux } from '../parts/influx.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { Child, freePort, temporaryFolder, until } from '../parts/process.ts';
import { type RedisServer, startRedis } from '../parts/redis/server.ts';
import { type Hook, startHook, tidegauge, writeConfig } from '../parts/tidegauge.ts';

const OUTBOX = fileURLToPath(new URL('../app/outbox-child.ts', import.meta.url));
/** More than a spool of 1 MiB holds. */
const WAITING = 6000;
/** Frames of the outbox are of 2023. */
const FOR_EVER = { raw: '3650d', minute: '3650d', hour: '3650d' };

/** `collect` and `detect` before InfluxDB and Redis, with a spool that an earlier outage has filled to its bound. */
describeWith(['ebpf', 'influx', 'redis'], 'collect and detect started before what they need', () => {
  const folder = temporaryFolder();
  let influx: InfluxServer;
  let redis: RedisServer;
  let hook: Hook;
  let port: number;
  const children: Child[] = [];

  const start = (command: string, listen: string) => {
    const child = tidegauge([command], { cwd: folder.path, env: { TIDEGAUGE_HTTP_LISTEN: listen } });
    children.push(child);
    return child;
  };
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null);
    return { status: answer?.status, text: (await answer?.text()) ?? '' };
  };

  beforeAll(async () => {
    [influx, redis, hook, port] = await Promise.all([startInflux(), startRedis(), startHook(), freePort()]);
    await Promise.all([influx.child.stop('SIGKILL'), redis.child.stop('SIGKILL')]);
    writeConfig(folder.path, {
      host: 'blind',
      data: join(folder.path, 'data'),
      capture: { interval: '500ms', docker: 'off', spool: { size: '1MiB' } },
      store: { kind: 'influx', influx: { url: influx.url }, retention: FOR_EVER },
      queue: { kind: 'bullmq' },
      redis: { url: redis.url },
      state: { kind: 'redis', lease: '2s' },
      detectors: [{ use: 'threshold', name: 'limit', metric: 'bytes', above: '100GiB/s' }],
      alert: { resolve_after: '3s', reopen_within: '0s' },
      receivers: [{ use: 'webhook', name: 'hook', url: hook.url }],
    });
    const config = join(folder.path, 'tidegauge.yaml');
    const args = ['--disable-warning=ExperimentalWarning', OUTBOX, config, String(WAITING)];
    const before = new Child(process.execPath, args);
    children.push(before);
    await before.until('a full spool', output => output.includes('open\n'), 60_000);
    await before.stop('SIGKILL');
  });

  afterAll(async () => {
    for (const child of children) await child.stop('SIGKILL');
    await Promise.all([influx?.stop(), redis?.stop(), hook?.stop()]);
    folder.remove();
  });

  it('they capture and wait, say so, and are alive but not ready', async () => {
    const detect = start('detect', 'off');
    const collect = start('collect', `127.0.0.1:${port}`);
    const captured = async () => /^tidegauge_frames_total [1-9]/m.test((await get('/metrics')).text);
    await collect.until('a captured frame', captured, 60_000);
    expect(await get('/healthz')).toEqual({ status: 200, text: 'ok\n' });
    const { status, text } = await get('/readyz');
    expect(status).toBe(503);
    for (const part of ['store', 'queue', 'state']) expect(text).toMatch(new RegExp(`^${part}: `, 'm'));
    expect((await get('/metrics')).text).toContain('tidegauge_part_reached{part="state"} 0');
    await collect.until('its status', output =>
      /away: store \(\d+ frames waiting\), queue, state/.test(output),
    );
    await detect.until('it to wait', output => output.includes('the state is away, waiting for it'));
    await collect.stop('SIGKILL');
  });

  it('when all have come every frame that was kept is stored once, and the lost ones are told with their number', async () => {
    const collect = start('collect', `127.0.0.1:${port}`);
    await collect.until('a status', async () => (await get('/readyz')).status === 503, 60_000);
    await Promise.all([influx.restart(), redis.restart()]);
    await collect.until('readiness', async () => (await get('/readyz')).status === 200, 60_000);
    await until(
      'the end of the incident',
      () => hook.bodies.some(({ status }) => status === 'resolved'),
      60_000,
    );
    expect(hook.bodies.map(({ status }) => status)).toEqual(['firing', 'resolved']);
    const lost = Number(/(\d+) frames were captured but lost/.exec(JSON.stringify(hook.bodies[0]))?.[1]);

    const frames = await stored();
    expect(frames.reduce((sum, { dropped = 0 }) => sum + dropped, 0)).toBe(lost);
    expect(frames.filter(({ start: at }) => at < Date.UTC(2024)).length).toBe(WAITING - lost);
    // Each names its predecessor, over two processes that knew nothing of the store.
    const breaks = frames.slice(1).filter(({ previous }, i) => previous !== frames[i]?.start);
    expect(breaks).toEqual([]);
  });

  async function stored(): Promise<Frame[]> {
    const connection = { url: influx.url, version: 'auto' as const, database: 'tidegauge' };
    const credentials = { org: '', token: '', username: '', password: '', timeout: 5000 };
    const store = new InfluxStore({ ...connection, ...credentials }, recordingLog().log);
    await store.open();
    const frames: Frame[] = [];
    for await (const frame of store.readFrames('blind', { from: 0, to: Number.MAX_SAFE_INTEGER }))
      frames.push(frame);
    await store.close();
    return frames;
  }
});
