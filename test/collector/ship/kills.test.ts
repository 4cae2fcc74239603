import { expect, it } from '@jest/globals';
import { createShipper } from '../../../collector/ship/shipper.ts';
import { Spool } from '../../../collector/ship/spool/spool.ts';
import { systemClock } from '../../../core/clock.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { FOREVER } from '../../../core/traffic/rollup.ts';
import { createBullmqQueue } from '../../../queue/bullmq.ts';
import { createStore } from '../../../store/index.ts';
import { busyParts, frameOf } from '../../data/frames.ts';
import { startInflux } from '../../parts/influx.ts';
import { recordingLog } from '../../parts/log.ts';
import { describeWith } from '../../parts/need.ts';
import { temporaryFolder, until } from '../../parts/process.ts';
import { startRedis } from '../../parts/redis/server.ts';
import { ALL, LIMITS, starts } from './shipping.ts';

describeWith(['redis', 'influx'], 'shipper to InfluxDB and Redis', () => {
  it('loses and reorders nothing when both are killed while frames come', async () => {
    const [influx, redis] = await Promise.all([startInflux(), startRedis()]);
    const { log } = recordingLog();
    const config = {
      url: influx.url,
      version: 'auto' as const,
      database: 'tidegauge',
      org: '',
      token: '',
      username: '',
      password: '',
      timeout: 5000,
    };
    const store = createStore(
      { kind: 'influx', retention: FOREVER, sqlite: { file: '' }, influx: config },
      { data: '', log },
    );
    const queue = createBullmqQueue({ lanes: 1, url: redis.url, prefix: 'ship', clock: systemClock, log });
    await Promise.all([store.open(), queue.open()]);
    const folder = temporaryFolder();
    const spool = Spool.open({ folder: folder.path, fsync: 'interval', clock: systemClock, log });
    const shipper = createShipper({ store, queue, spool, clock: systemClock, log, limits: LIMITS });
    const taken = new Set<number>();
    queue.consume(0, async frame => {
      taken.add(frame.start);
    });
    const sent = Array.from({ length: 60 }, (_, n) => frameOf('web-1', n, busyParts(3)));
    const push = (from: number, to: number) => {
      for (const frame of sent.slice(from, to)) shipper.push(frame);
    };
    push(0, 20);
    await until('the first frames', () => taken.size === 20);
    await Promise.all([influx.child.stop('SIGKILL'), redis.child.stop('SIGKILL')]);
    push(20, 40);
    await until('the outage', () => shipper.status().storeDown !== null);
    await influx.restart();
    await until('the other outage', () => shipper.status().queueDown !== null);
    push(40, 60);
    await redis.restart();
    expect(await shipper.drain(60_000)).toBe(true);
    await until('all frames at the worker', () => taken.size === 60);
    const found: Frame[] = [];
    for await (const frame of store.readFrames('web-1', ALL)) found.push(frame);
    expect(found).toEqual(sent);
    // A frame that came twice would be in its first place in a Set: what counts is that none overtook another.
    expect([...taken]).toEqual(starts(sent));
    await shipper.stop();
    await queue.close();
    await store.close();
    await Promise.all([influx.stop(), redis.stop()]);
  });
});
