import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EXCHANGE_KEYS, type Flow, NO_EXCHANGE } from '../../core/traffic/flow.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { bucketStart, TIERS } from '../../core/traffic/rollup.ts';
import type { FlowTotal } from '../../core/traffic/service-map.ts';
import type { Store } from '../../store/contract.ts';
import { FlowTotals, withinCap } from '../../store/flow.ts';
import { busyParts, frameOf } from '../data/frames.ts';
import { frameArbitrary, hostileText } from './arbitrary.ts';
import { describeStores } from './conformance.ts';
import { ALL, hostNames } from './stores.ts';

const [MINUTE, HOUR] = TIERS.map(tier => tier.stepMs) as [number, number];
/** A full hour. */
const T0 = bucketStart(1_700_000_000_000, HOUR);
const DAY = { from: T0, to: T0 + 24 * HOUR };

/** A few frames within two hours, with sums that a number holds. */
const someFrames = fc
  .uniqueArray(frameArbitrary(fc.constant('')), {
    minLength: 1,
    maxLength: 8,
    selector: frame => frame.start,
  })
  .chain(frames =>
    fc
      .uniqueArray(fc.nat({ max: 2 * HOUR }), { minLength: frames.length, maxLength: frames.length })
      .map(offsets =>
        frames.map((frame, i) => ({
          ...frame,
          start: T0 + (offsets[i] ?? 0),
          windows: [],
          flows: frame.flows.map(flow => bounded(flow)),
        })),
      ),
  );

function bounded(flow: Flow): Flow {
  const small = { ...flow };
  for (const key of EXCHANGE_KEYS) small[key] = flow[key] % 2 ** 40;
  return small;
}

/** What must be read of a range: the flows of its frames, added up in one go. */
function expected(frames: readonly Frame[], { from, to }: { from: number; to: number }): FlowTotal[] {
  const sums = new FlowTotals();
  for (const frame of frames.filter(({ start }) => start >= from && start < to)) {
    const services = new Map(frame.containers.map(({ name, service }) => [name, service]));
    for (const { address: _, ...flow } of frame.flows)
      sums.add({ ...flow, service: services.get(flow.container) ?? '' });
  }
  return sums.list();
}

/** A frame with a container and what it sends to peers, by their ports. */
function frameAt(host: string, offset: number, sent: Readonly<Record<number, number>>): Frame {
  const frame = { ...frameOf(host, 0, busyParts(1)), start: T0 + offset };
  const container = frame.containers[0]?.name ?? '';
  const flows = Object.entries(sent).map(
    ([port, sentBytes]): Flow => ({
      ...{ container, protocol: 'tcp', role: 'client', peerKind: 'outside', peer: '', address: '' },
      ...{ ...NO_EXCHANGE, sentBytes, port: Number(port) },
    }),
  );
  return { ...frame, flows };
}

const manyPorts = (from: number, count: number, bytes: number): Record<number, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [from + i, bytes]));

const bytesOf = (totals: readonly FlowTotal[]): number =>
  totals.reduce((sum, { sentBytes }) => sum + sentBytes, 0);

describe('the flows of a bucket', () => {
  const total = (port: number, exchange: Partial<FlowTotal>): FlowTotal => ({
    ...{ service: 's', container: 'c', protocol: 'tcp', role: 'client', peerKind: 'outside', peer: '', port },
    ...{ ...NO_EXCHANGE, ...exchange },
  });

  it('beyond the cap are added up: those that fail most stay, then those that moved most', () => {
    const rows = withinCap(
      [
        total(1, { sentBytes: 10 }),
        total(2, { receivedBytes: 30 }),
        total(3, { failures: 1 }),
        total(4, { sentBytes: 5, connections: 1 }),
        { ...total(0, { sentBytes: 7 }), peerKind: 'other' },
      ],
      2,
    );
    expect(rows).toEqual([
      { ...total(0, { sentBytes: 22, connections: 1 }), peerKind: 'other' },
      total(2, { receivedBytes: 30 }),
      total(3, { failures: 1 }),
    ]);
  });

  it('have the same sums with a cap and without', () => {
    fc.assert(
      fc.property(someFrames, fc.nat({ max: 3 }), (frames, cap) => {
        const all = expected(frames, DAY);
        const capped = withinCap(all, cap);
        for (const key of EXCHANGE_KEYS) {
          const sum = (totals: readonly FlowTotal[]) => totals.reduce((before, one) => before + one[key], 0);
          expect(sum(capped)).toBe(sum(all));
        }
        const own = Map.groupBy(capped, ({ service, container }) => JSON.stringify([service, container]));
        for (const rows of own.values())
          expect(rows.filter(({ peerKind }) => peerKind !== 'other').length).toBeLessThanOrEqual(cap);
        expect(withinCap(all, 1000)).toEqual(all);
      }),
    );
  });
});

describeStores('tiers of flows', (of, name) => {
  let store: Store;
  beforeAll(async () => {
    store = of();
    await store.init();
  });
  const newHost = hostNames('flows');

  it('give the same flows rolled up and not, over any range, under any names', async () => {
    const offset = fc.integer({ min: -MINUTE, max: 3 * HOUR });
    const ranges = fc.array(fc.tuple(offset, offset), { minLength: 3, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(someFrames, hostileText, ranges, async (bare, suffix, bounds) => {
        const host = newHost(suffix);
        const frames = bare.map(frame => ({ ...frame, host }));
        await store.writeFrames(frames);
        const parts = [
          ALL,
          DAY,
          ...bounds.map(([a, b]) => ({ from: T0 + Math.min(a, b), to: T0 + Math.max(a, b) })),
        ];
        const check = async () => {
          for (const part of parts) expect(await store.readFlows(host, part)).toEqual(expected(frames, part));
        };
        await check();
        // As after an upgrade: the tiers begin somewhere in what is stored.
        await store.rollUp(host, { from: T0 + HOUR, to: DAY.to });
        await check();
        await store.rollUp(host, DAY);
        await check();
      }),
      { numRuns: name === 'influx' ? 12 : 6 },
    );
  });

  it('count a frame that comes late at once, and once when its buckets have been made anew', async () => {
    const host = newHost();
    const frames = [0, 5000, MINUTE, HOUR].map(offset => frameAt(host, offset, { 80: 100, 443: 7 }));
    await store.writeFrames(frames);
    await store.rollUp(host, DAY);
    const late = frameAt(host, 10_000, { 80: 1, 5432: 9 });
    await store.writeFrames([late]);
    expect(await store.readFlows(host, DAY)).toEqual(expected([...frames, late], DAY));
    await store.rollUp(host, DAY);
    expect(await store.readFlows(host, DAY)).toEqual(expected([...frames, late], DAY));
    // The same frames once more, as after a kill before they were acknowledged.
    await store.writeFrames([...frames, late]);
    expect(await store.rollUp(host, DAY)).toBe(0);
    expect(await store.readFlows(host, DAY)).toEqual(expected([...frames, late], DAY));
  });

  it('lose nothing and count nothing twice when a bucket beyond the cap is made anew', async () => {
    const host = newHost();
    const first = frameAt(host, 0, manyPorts(1, 170, 10));
    await store.writeFrames([first]);
    await store.rollUp(host, DAY);
    expect(await store.readFlows(host, DAY)).toEqual(expected([first], DAY));
    // Heavier ones than all but the first take the places of those.
    const late = frameAt(host, 5000, { 1: 1000, ...manyPorts(1000, 170, 20) });
    await store.writeFrames([late]);
    await store.rollUp(host, DAY);
    const found = await store.readFlows(host, DAY);
    expect(bytesOf(found)).toBe(bytesOf(expected([first, late], DAY)));
    expect(found).toHaveLength(176 + 1);
    expect(found.find(({ port }) => port === 1)?.sentBytes).toBe(1010);
    expect(found.find(({ peerKind }) => peerKind === 'other')?.sentBytes).toBe((170 + 171 - 1 - 176) * 10);
  });
});
