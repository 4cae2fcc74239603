import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ExchangeError } from '../../core/errors.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { InfluxStore } from '../../store/influx/store.ts';
import { frameOf } from '../data/frames.ts';
import { type InfluxServer, startInflux } from '../parts/influx.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { Child, temporaryFolder, until } from '../parts/process.ts';
import { type RedisServer, startRedis } from '../parts/redis/server.ts';
import { writeConfig } from '../parts/tidegauge.ts';

const CHILD = fileURLToPath(new URL('outbox-child.ts', import.meta.url));
const influxOf = (url: string) => ({
  ...{ url, version: 'auto' as const, database: 'tidegauge', org: '', token: '' },
  ...{ username: '', password: '', timeout: 5000 },
});

/** The frames of tests are of 2023. */
const FOR_EVER = { raw: '3650d', minute: '3650d', hour: '3650d' };

/** Processes that start before the servers they need, which are real and come later. */
describeWith(['redis', 'influx'], 'a collector that starts while store, queue and state are away', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let influx: InfluxServer;
  let redis: RedisServer;
  const children: Child[] = [];
  beforeEach(async () => {
    folder = temporaryFolder();
    [influx, redis] = await Promise.all([startInflux(), startRedis()]);
    await Promise.all([influx.child.stop('SIGKILL'), redis.child.stop('SIGKILL')]);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await child.stop('SIGKILL');
    await Promise.all([influx.stop(), redis.stop()]);
    folder.remove();
  });

  const collect = (data: string, frames: number, first = 0): Child => {
    const path = join(folder.path, data);
    mkdirSync(path, { recursive: true });
    writeConfig(path, {
      ...{ host: 'web-1', data: path, log: { level: 'debug' }, redis: { url: redis.url } },
      store: { kind: 'influx', influx: { url: influx.url }, retention: FOR_EVER },
      queue: { kind: 'bullmq' },
      state: { kind: 'redis', lease: '3s' },
    });
    const args = ['--disable-warning=ExperimentalWarning', CHILD, join(path, 'tidegauge.yaml')];
    const child = new Child(process.execPath, [...args, String(frames), String(first)]);
    children.push(child);
    return child;
  };
  const opened = (child: Child) => child.until('its spool', output => output.includes('open\n'));
  const stored = async (): Promise<Frame[]> => {
    const store = new InfluxStore(influxOf(influx.url), recordingLog().log);
    await store.open();
    const found: Frame[] = [];
    for await (const frame of store.readFrames('web-1', { from: 0, to: Number.MAX_SAFE_INTEGER }))
      found.push(frame);
    await store.close();
    return found;
  };
  /** InfluxDB may show a row before all of its columns, which is to be tried again. */
  const areStored = (count: number): Promise<boolean> =>
    stored().then(
      frames => frames.length === count,
      error => {
        if (error instanceof ExchangeError && error.retry) return false;
        throw error;
      },
    );

  it('ships what it captured when they come, though it was killed meanwhile', async () => {
    const first = collect('a', 5);
    await opened(first);
    await first.stop('SIGKILL');
    expect(first.output).toContain('the store is away, waiting for it');
    const second = collect('a', 0);
    await opened(second);
    expect(second.output).toContain('the spool holds frames of an earlier run');
    // One at a time: nothing leaves before the name is claimed, and nothing is lost while only one of them is there.
    await influx.restart();
    await second.until('the store', output => output.includes('the store is there'));
    expect(await stored()).toEqual([]);
    await redis.restart();
    const all = Array.from({ length: 5 }, (_, n) => frameOf('web-1', n));
    await second.until('all frames', () => areStored(5));
    expect(await stored()).toEqual(all);
  });

  it('yields when another one of its name claims it first: one ships, and nothing is there twice', async () => {
    const both = [collect('a', 3), collect('b', 3, 100)];
    for (const child of both) await opened(child);
    await Promise.all([influx.restart(), redis.restart()]);
    const code = await Promise.race(both.map(child => child.exited));
    expect(code).toBe(2);
    const [loser, winner] = both[0]?.process.exitCode === 2 ? both : [...both].reverse();
    expect(loser?.output).toContain('another installation collects under this name');
    await until('all frames', () => areStored(3));
    expect(winner?.process.exitCode).toBeNull();
    // What the other one holds stays with it.
    const firsts = (await stored()).map(
      ({ start }) => start - frameOf('web-1', winner === both[0] ? 0 : 100).start,
    );
    expect(firsts).toEqual([0, 5000, 10_000]);
  });

  it('ends with what to do when one comes that it can never use', async () => {
    const child = collect('a', 1);
    await opened(child);
    await redis.stop();
    const guarded = await startRedisWithPassword(redis.port);
    try {
      await child.ended(2);
      expect(child.output).toContain('Put user and password into redis.url:');
    } finally {
      await guarded.stop();
    }
  });
});

async function startRedisWithPassword(port: number): Promise<Child> {
  const child = new Child('redis-server', [
    ...['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--requirepass', 'secret'],
  ]);
  await child.until('redis-server', output => output.includes('Ready to accept'));
  return child;
}
