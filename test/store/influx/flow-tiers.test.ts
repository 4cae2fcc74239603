import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Flow, NO_EXCHANGE } from '../../../core/traffic/flow.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { bucketStart, TIERS } from '../../../core/traffic/rollup.ts';
import { flowsIn } from '../../../store/flow-tiers.ts';
import type { Access } from '../../../store/influx/client/access.ts';
import { connectionTo } from '../../../store/influx/client/connect.ts';
import { query } from '../../../store/influx/client/query.ts';
import type { Target } from '../../../store/influx/client/target.ts';
import { lineWriter } from '../../../store/influx/client/write.ts';
import { InfluxFlowTiers } from '../../../store/influx/flow-tiers.ts';
import { InfluxStore } from '../../../store/influx/store.ts';
import { rollUpSome } from '../../../store/roll-up.ts';
import { busyParts, frameOf } from '../../data/frames.ts';
import { type InfluxServer, startInflux } from '../../parts/influx.ts';
import { describeWith } from '../../parts/need.ts';
import { influxConfig, silentLog } from '../stores.ts';

const [MINUTE, HOUR] = TIERS.map(tier => tier.stepMs) as [number, number];
/** A full hour. */
const T0 = bucketStart(1_700_000_000_000, HOUR);
const RANGE = { from: T0, to: T0 + 3 * HOUR };

/** A frame of one container that sends so many bytes to each of some ports. */
function frameAt(
  host: string,
  offset: number,
  sent: readonly (readonly [port: number, bytes: number])[],
): Frame {
  const frame = { ...frameOf(host, 0, busyParts(1)), start: T0 + offset };
  const container = frame.containers[0]?.name ?? '';
  const flows = sent.map(
    ([port, sentBytes]): Flow => ({
      ...{ container, protocol: 'tcp', role: 'client', peerKind: 'outside', peer: '', address: '' },
      ...{ ...NO_EXCHANGE, sentBytes, port },
    }),
  );
  return { ...frame, flows };
}

const ports = (first: number, count: number, bytes: number) =>
  Array.from({ length: count }, (_, i) => [first + i, bytes] as const);

const bytesOf = (frames: readonly Frame[]): number =>
  frames.flatMap(({ flows }) => flows).reduce((sum, { sentBytes }) => sum + sentBytes, 0);

describeWith(['influx'], 'tiers of flows in InfluxDB', () => {
  let server: InfluxServer;
  let store: InfluxStore;

  beforeAll(async () => {
    server = await startInflux();
    store = new InfluxStore(influxConfig(server.url), silentLog);
    await store.open();
  });
  afterAll(async () => {
    await store.close();
    await server.stop();
  });

  /** Tables whose process is killed in the middle of its `last`-th write, from 0 on: half of its lines are stored. */
  function killedIn(last: number): InfluxFlowTiers {
    const connection = connectionTo(influxConfig(server.url));
    const target = (policy?: string): Target => ({
      ...{ api: '1', database: 'tidegauge', org: '' },
      ...(policy !== undefined && { policy }),
    });
    let writes = 0;
    const access: Access = {
      place: connection.url,
      from: (_, policy) => ({
        query: statement => query(connection, target(policy), statement),
        files: async () => [],
      }),
      async write(lines, policy) {
        const isLast = writes++ === last;
        await lineWriter(connection, target(policy)).write(
          lines.slice(0, isLast ? lines.length / 2 : lines.length),
        );
        if (isLast) throw new Error('killed');
      },
    };
    return new InfluxFlowTiers(access);
  }

  /** Bytes that a tier has of a host, as Grafana reads it. */
  async function bytesIn(tier: string, host: string): Promise<unknown> {
    const q = `SELECT sum(sent_bytes) FROM "${tier}".container_flows WHERE host = '${host}'`;
    const response = await fetch(`${server.url}/query?db=tidegauge`, {
      method: 'POST',
      body: new URLSearchParams({ q }),
    });
    const { results } = (await response.json()) as { results: { series?: { values: unknown[][] }[] }[] };
    return results[0]?.series?.[0]?.values[0]?.[1];
  }

  it.each([0, 1, 2, 3])('count each frame once after a kill in write number %i of a round', async last => {
    const host = `killed-${last}`;
    const frames = [0, 5000, MINUTE, HOUR].map(offset => frameAt(host, offset, ports(1, 100, 10)));
    await store.writeFrames(frames);
    await store.rollUp(host, RANGE);
    // Rows of the first version of their buckets are not among those of the second, which has too many.
    frames.push(...[10_000, MINUTE + 5000].map(offset => frameAt(host, offset, ports(1000, 100, 50))));
    await store.writeFrames(frames);
    await expect(rollUpSome(flowsIn(killedIn(last)), host, RANGE)).rejects.toThrow('killed');
    const read = async () =>
      (await store.readFlows(host, RANGE)).reduce((sum, { sentBytes }) => sum + sentBytes, 0);
    expect(await read()).toBe(bytesOf(frames));
    // As a collector does that was killed before it heard that they were stored.
    frames.push(frameAt(host, HOUR + 5000, ports(1, 3, 1)));
    await store.writeFrames(frames);
    await store.rollUp(host, RANGE);
    expect(await read()).toBe(bytesOf(frames));
    for (const { name } of TIERS) expect([name, await bytesIn(name, host)]).toEqual([name, bytesOf(frames)]);
    expect(await store.rollUp(host, RANGE)).toBe(0);
  });
});
