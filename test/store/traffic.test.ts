import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DIRECTIONS, type Frame } from '../../core/traffic/frame.ts';
import { bucketStart, type Rollup, RollupBuilder, TIERS } from '../../core/traffic/rollup.ts';
import type { Store } from '../../store/contract.ts';
import { busyParts, frameOf } from '../data/frames.ts';
import { mergeSizes } from '../data/sizes.ts';
import { frameArbitrary, hostileText, NASTY } from './arbitrary.ts';
import { describeStores } from './conformance.ts';
import { namedFrame, T0 as START } from './named-frame.ts';
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
          windows: frame.windows.map(window => ({ ...window, bytes: window.bytes % 2 ** 40 })),
          flows: [],
        })),
      ),
  );

/** What the buckets of a step must be: the frames themselves, added up in one go. */
function expected(frames: readonly Frame[], stepMs: number): Rollup[] {
  const byBucket = Map.groupBy(frames, frame => bucketStart(frame.start, stepMs));
  return [...byBucket]
    .sort(([a], [b]) => a - b)
    .map(([start, list]) => {
      const builder = new RollupBuilder(list[0]?.host ?? '', start);
      for (const frame of list) builder.addFrame(frame);
      return builder.build();
    });
}

describe('a rollup', () => {
  it('is the exact sum of its frames: messages, bytes, sizes, durations', () => {
    fc.assert(
      fc.property(someFrames, frames => {
        const [rollup] = expected(
          frames.map(frame => ({ ...frame, start: T0 })),
          MINUTE,
        );
        for (const direction of DIRECTIONS) {
          const windows = frames.flatMap(frame => frame.windows).filter(w => w.direction === direction);
          const sum = (of: (w: { messages: number; bytes: number }) => number) =>
            windows.reduce((total, w) => total + of(w), 0);
          const amounts = rollup?.traffic.map(traffic => traffic[direction]) ?? [];
          expect(amounts.reduce((total, a) => total + a.messages, 0)).toBe(sum(w => w.messages));
          expect(amounts.reduce((total, a) => total + a.bytes, 0)).toBe(sum(w => w.bytes));
          expect(mergeSizes(...amounts.map(a => a.sizes))).toEqual(mergeSizes(...windows.map(w => w.sizes)));
        }
        expect(rollup?.durationMs).toBe(frames.reduce((total, frame) => total + frame.durationMs, 0));
        expect(rollup?.incomplete).toBe(frames.filter(frame => frame.faults.length > 0).length);
      }),
    );
  });

  it('is the same however its parts were grouped', () => {
    fc.assert(
      fc.property(someFrames, fc.integer({ min: 1, max: 5 }), (frames, groups) => {
        const parts = Array.from({ length: groups }, () => new RollupBuilder('', T0));
        frames.forEach((frame, i) => {
          parts[(i * 7) % groups]?.addFrame(frame);
        });
        const whole = new RollupBuilder('', T0);
        for (const part of parts.toReversed()) whole.addRollup(part.build());
        const direct = new RollupBuilder('', T0);
        for (const frame of frames) direct.addFrame(frame);
        expect(whole.build()).toEqual(direct.build());
      }),
    );
  });
});

describeStores('flows and tiers', (of, name) => {
  let store: Store;
  beforeAll(async () => {
    store = of();
    await store.init();
  });
  const newHost = hostNames('traffic');
  const series = async (host: string, stepMs: number, range = DAY) => {
    const all: Rollup[] = [];
    for await (const rollup of store.readSeries(host, range, stepMs)) all.push(rollup);
    return all;
  };

  it('adds up flows over a half-open range', async () => {
    const host = newHost("' flows");
    const names = [...NASTY].sort();
    await store.writeFrames([0, 1, 2, 3].map(n => namedFrame(host, START + n * 5000, names)));
    await store.writeFrames([namedFrame(newHost(), START, ['somebody else'])]);
    const flows = namedFrame(host, START, names).flows.map(({ address: _, ...flow }) => ({
      ...flow,
      service: `service of ${flow.container}`,
    }));
    const times = (n: number) =>
      flows.map(flow => ({ ...flow, sentMessages: 3 * n, sentBytes: 300 * n, connections: n }));
    expect(await store.readFlows(host, { from: START, to: START + 15_000 })).toEqual(times(3));
    expect(await store.readFlows(host, ALL)).toEqual(times(4));
    expect(await store.readFlows(host, { from: START + 1, to: START + 4 })).toEqual([]);
    expect(await store.readFlows('nobody', ALL)).toEqual([]);
  });

  it('gives the same series rolled up and not, at any step, under any names', async () => {
    await fc.assert(
      fc.asyncProperty(someFrames, hostileText, async (bare, suffix) => {
        const host = newHost(suffix);
        const frames = bare.map(frame => ({ ...frame, host }));
        await store.writeFrames(frames);
        const steps = [5000, MINUTE, 5 * MINUTE, HOUR, 2 * HOUR];
        for (const step of steps) expect(await series(host, step)).toEqual(expected(frames, step));
        await store.rollUp(host, DAY);
        for (const step of steps) expect(await series(host, step)).toEqual(expected(frames, step));
      }),
      { numRuns: name === 'influx' ? 12 : 4 },
    );
    // Each series of SQLite is a thread of its own, which a busy machine starts slowly.
  });

  it('is done once: again it writes nothing, and a late frame makes only its own buckets anew', async () => {
    const host = newHost();
    const at = (offset: number) => ({ ...frameOf(host, 0, busyParts(2)), start: T0 + offset });
    const frames = [at(0), at(5000), at(MINUTE), at(HOUR + 5000)];
    await store.writeFrames(frames);
    // Three minutes and two hours have frames, for windows and for flows.
    expect(await store.rollUp(host, DAY)).toBe(2 * 5);
    expect(await store.rollUp(host, DAY)).toBe(0);
    const late = { ...at(10_000), faults: ['lost-events' as const], lost: 3 };
    await store.writeFrames([late]);
    expect(await store.rollUp(host, DAY)).toBe(2 * 2);
    for (const step of [MINUTE, HOUR]) {
      expect(await series(host, step)).toEqual(expected([...frames, late], step));
    }
  });

  it('shows what was stored late, though later buckets are rolled up already', async () => {
    const host = newHost();
    const at = (offset: number) => ({ ...frameOf(host, 0, busyParts(2)), start: T0 + offset });
    await store.writeFrames([at(MINUTE), at(3 * HOUR)], { ahead: true });
    await store.rollUp(host, DAY);
    const late = [at(0), at(5 * MINUTE), at(HOUR), at(3 * HOUR - 5000), at(4 * HOUR)];
    await store.writeFrames(late.slice(0, 2));
    await store.rollUp(host, { from: T0, to: T0 + MINUTE });
    await store.writeFrames(late.slice(2));
    const all = [at(0), at(MINUTE), ...late.slice(1, 4), at(3 * HOUR), at(4 * HOUR)];
    expect(await series(host, MINUTE)).toEqual(expected(all, MINUTE));
    expect((await series(host, HOUR)).map(({ start }) => (start - T0) / HOUR)).toEqual([0, 1, 2, 3, 4]);
  });

  it('leaves buckets alone that the range does not hold as a whole, and shows their frames all the same', async () => {
    const host = newHost();
    const frames = [0, 1, 2].map(minute => ({
      ...frameOf(host, 0, busyParts(1)),
      start: T0 + minute * MINUTE + 100,
    }));
    await store.writeFrames(frames);
    expect(await store.rollUp(host, { from: T0 + 1, to: T0 + 3 * MINUTE - 1 })).toBe(2);
    expect(await store.rollUp(host, { from: T0 + 1, to: T0 + 1 })).toBe(0);
    expect(await store.rollUp(host, { from: T0, to: T0 + 2 * MINUTE })).toBe(2);
    expect(await series(host, MINUTE)).toEqual(expected(frames, MINUTE));
  });

  it('knows a container that was deployed anew under another service as two', async () => {
    const host = newHost();
    const one = { ...frameOf(host, 0, busyParts(1)), start: T0 };
    const two = {
      ...one,
      start: T0 + 5000,
      containers: one.containers.map(container => ({ ...container, service: 'moved' })),
    };
    await store.writeFrames([one, two]);
    await store.rollUp(host, DAY);
    const [rollup] = await series(host, MINUTE);
    expect(rollup?.traffic.map(sum => [sum.service, sum.frames])).toEqual([
      ['c0000', 1],
      ['moved', 1],
    ]);
  });

  it('reads long series across its own steps', async () => {
    const host = newHost();
    const frames = Array.from({ length: 600 }, (_, minute) => ({
      ...frameOf(host, 0, busyParts(8)),
      start: T0 + minute * MINUTE,
    }));
    await store.writeFrames(frames);
    await store.rollUp(host, DAY);
    expect(await series(host, MINUTE)).toEqual(expected(frames, MINUTE));
    expect((await series(host, HOUR)).map(rollup => rollup.frames)).toEqual(Array(10).fill(60));
    const part = await series(host, MINUTE, { from: T0 + MINUTE + 1, to: T0 + 3 * MINUTE + 1 });
    expect(part.map(rollup => (rollup.start - T0) / MINUTE)).toEqual([1, 2, 3]);
  });

  it('refuses a step that is none', () => {
    for (const step of [0, -5, 1.5, Number.NaN]) {
      expect(() => store.readSeries('h', DAY, step)).toThrow(RangeError);
    }
  });
});
