import { expect, it } from '@jest/globals';
import { createShipper } from '../../collector/ship/shipper.ts';
import { Spool } from '../../collector/ship/spool/spool.ts';
import { systemClock } from '../../core/clock.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { createInlineQueue } from '../../queue/inline.ts';
import { InfluxStore } from '../../store/influx/store.ts';
import { busyParts, frameOf } from '../data/frames.ts';
import { startInflux } from '../parts/influx.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { influxConfig, silentLog } from './stores.ts';

const LIMITS = { bytes: 64 * 1024 * 1024, memoryBytes: 1024 * 1024, ageMs: Number.MAX_SAFE_INTEGER };
const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };

describeWith(['influx'], 'a limit of InfluxDB that an administrator lifts', () => {
  it.each([
    ['max-values-per-tag', 'max-values-per-tag = 4', 6],
    ['max-series-per-database', 'max-series-per-database = 8', 2],
  ])('%s: frames wait, status says what to do, and all of them arrive', async (name, data, first) => {
    const influx = await startInflux({ data });
    const folder = temporaryFolder();
    const { log, lines } = recordingLog();
    const store = new InfluxStore(influxConfig(influx.url), silentLog);
    await store.open();
    const spool = Spool.open({ folder: folder.path, fsync: 'never', clock: systemClock, log });
    const queue = createInlineQueue({ lanes: 1, clock: systemClock, log });
    const backoff = { firstMs: 50, maxMs: 200 };
    const parts = { store, queue, spool, clock: systemClock, log, limits: LIMITS, backoff };
    const shipper = createShipper(parts);
    const frames = [first, 12, 3].map((containers, n) => frameOf('h', n, busyParts(containers)));
    for (const frame of frames) {
      shipper.push(frame);
      await until('an answer', () => shipper.status().stored > 0);
    }
    await until('the limit', () => shipper.status().storeDown !== null);
    expect(shipper.status()).toMatchObject({ refused: 0, dropped: 0, pending: 2 });
    expect(shipper.status().storeDown).toMatch(
      new RegExp(`partial write: ${name} limit exceeded.*Raise ${name} in \\[data\\] of influxdb.conf`),
    );
    await influx.restart(`${name} = 0`);
    expect(await shipper.drain(60_000)).toBe(true);
    const found: Frame[] = [];
    for await (const frame of store.readFrames('h', ALWAYS)) found.push(frame);
    expect(found).toEqual(frames);
    expect(lines.filter(({ message }) => message.includes('refused a frame'))).toEqual([]);
    await shipper.stop();
    await Promise.all([queue.close(), store.close(), influx.stop()]);
    spool.close();
    folder.remove();
  });
});
