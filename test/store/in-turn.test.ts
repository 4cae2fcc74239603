import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Access } from '../../store/influx/client/access.ts';
import { connectionTo } from '../../store/influx/client/connect.ts';
import { query } from '../../store/influx/client/query.ts';
import { FrameTables } from '../../store/influx/frame-tables.ts';
import { InfluxStore } from '../../store/influx/store.ts';
import { busyParts, frameOf } from '../data/frames.ts';
import { type InfluxServer, startInflux } from '../parts/influx.ts';
import { describeWith } from '../parts/need.ts';
import { influxConfig, silentLog } from './stores.ts';

const ALL = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

describeWith(['influx'], 'frames of an influxd that come while they are read', () => {
  let server: InfluxServer;
  let store: InfluxStore;
  beforeAll(async () => {
    server = await startInflux();
    store = new InfluxStore(influxConfig(server.url), silentLog);
    await store.open();
  });
  afterAll(() => server.stop());

  /** Frames of a host by a reader after whose n-th answer something happens. */
  async function readWhile(host: string, n: number, happens: () => Promise<void>): Promise<Frame[]> {
    const connection = connectionTo(influxConfig(server.url));
    let answers = 0;
    const access: Access = {
      place: server.url,
      from: () => ({
        files: async () => [],
        query: async statement => {
          const target = { api: '1', database: 'tidegauge', org: '' } as const;
          const rows = await query(connection, target, statement);
          if (++answers === n) await happens();
          return rows;
        },
      }),
      write: async () => {},
    };
    const frames: Frame[] = [];
    for await (const frame of new FrameTables(access, silentLog).read(host, ALL, { withAhead: false }))
      frames.push(frame);
    expect(answers).toBeGreaterThanOrEqual(n);
    return frames;
  }

  it.each([1, 2, 3])('none is skipped when the missing ones are written after answer %d', async n => {
    const host = `drained-${n}`;
    const frames = [0, 1, 2, 3, 4].map(i => frameOf(host, i, busyParts(1)));
    const [first, , , newest] = frames as [Frame, Frame, Frame, Frame];
    await store.writeFrames([first]);
    await store.writeFrames([newest], { ahead: true });
    const read = await readWhile(host, n, () => store.writeFrames(frames.slice(1)));
    // All in order, up to wherever the reading ended: what comes later is read later.
    expect(read).toEqual(frames.slice(0, read.length));
    expect(read.length).toBeGreaterThan(0);
  });
});
