import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Frame } from '../../core/traffic/frame.ts';
import type { FrameStore, TrafficStore } from '../../store/contract.ts';
import { frameArbitrary, hostileText, NASTY } from './arbitrary.ts';
import { describeStores } from './conformance.ts';
import { namedFrame, T0 } from './named-frame.ts';
import { ALL, collect, hostNames } from './stores.ts';

describeStores('frames', of => {
  let store: FrameStore & TrafficStore;
  beforeAll(() => {
    store = of();
  });
  const newHost = hostNames('frames');
  const frames = (host: string, range = ALL) => collect(store.readFrames(host, range));

  it('gives back frames exactly as they were written, in any order and batches, also twice', async () => {
    const list = fc.uniqueArray(frameArbitrary(fc.constant('')), {
      minLength: 1,
      maxLength: 6,
      selector: f => f.start,
    });
    await fc.assert(
      fc.asyncProperty(list, hostileText, fc.infiniteStream(fc.nat()), async (bare, suffix, random) => {
        const host = newHost(suffix);
        const written = bare.map(frame => ({ ...frame, host }));
        for (const part of splits([...written, ...written.slice(0, 2)], random))
          await store.writeFrames(part);
        expect(await frames(host)).toEqual(byStart(written));
      }),
      { numRuns: 60 },
    );
  });

  it('shows frames that are ahead in sums only, until they are written in their turn', async () => {
    const host = newHost();
    const [first, second, newest] = [0, 5000, 10_000].map(offset => namedFrame(host, T0 + offset, ['a'])) as [
      Frame,
      Frame,
      Frame,
    ];
    const turn = { ...newest, dropped: 2 };
    const rates = async () =>
      (await collect(store.readSeries(host, { from: T0, to: T0 + 60_000 }, 5000))).map(({ start: at }) => at);
    await store.writeFrames([first]);
    await store.writeFrames([newest], { ahead: true });
    expect(await frames(host)).toEqual([first]);
    expect(await rates()).toEqual([T0, T0 + 10_000]);
    expect(await store.lastFrame(host)).toMatchObject({ from: newest.start });
    await store.writeFrames([second, turn]);
    expect(await frames(host)).toEqual([first, second, turn]);
    // A write that was thought lost arrives late.
    await store.writeFrames([newest], { ahead: true });
    expect(await frames(host)).toEqual([first, second, turn]);
    expect(await rates()).toEqual([T0, T0 + 5000, T0 + 10_000]);
  });

  it('shows a frame that is ahead and was given up as soon as a later one is written in its turn', async () => {
    const host = newHost();
    const [first, given, next] = [0, 10_000, 20_000].map(offset => namedFrame(host, T0 + offset, ['a'])) as [
      Frame,
      Frame,
      Frame,
    ];
    const newer = namedFrame(host, T0 + 30_000, ['a']);
    expect(await store.lastInTurn(host)).toBeNull();
    await store.writeFrames([first]);
    await store.writeFrames([given, newer], { ahead: true });
    expect(await frames(host)).toEqual([first]);
    expect(await store.lastInTurn(host)).toBe(first.start);
    await store.writeFrames([next]);
    expect(await frames(host)).toEqual([first, given, next]);
    expect(await store.lastInTurn(host)).toBe(next.start);
    expect(await collect(store.readFrames(host, { from: T0 + 5000, to: next.start }))).toEqual([given]);
  });

  it('gives back every nasty name', async () => {
    const host = newHost();
    const frame = namedFrame(host, T0, [...NASTY].sort());
    await store.writeFrames([frame]);
    expect(await frames(host)).toEqual([frame]);
  });

  it('reads a half-open range, across its own steps, in order', async () => {
    const host = newHost();
    // One millisecond apart: a step that skips more than the frame it ended with would lose some.
    const written = Array.from({ length: 600 }, (_, i) => namedFrame(host, T0 + i, ['a', 'b', 'c', 'd']));
    await store.writeFrames(written);
    expect(await frames(host)).toEqual(written);
    expect(await frames(host, { from: T0 + 1, to: T0 + 3 })).toEqual(written.slice(1, 3));
    expect(await frames(host, { from: T0 + 1.5, to: T0 + 3.5 })).toEqual(written.slice(2, 4));
    expect(await frames(host, { from: T0 + 1, to: T0 + 1 })).toEqual([]);
  });

  it('keeps hosts apart', async () => {
    const [one, two] = [newHost(), newHost("' OR host =~ /.*/ OR host = '")];
    await store.writeFrames([namedFrame(one, T0, ['a']), namedFrame(two, T0, ['a', 'b'])]);
    expect(await frames(one)).toEqual([namedFrame(one, T0, ['a'])]);
    expect(await frames(two)).toEqual([namedFrame(two, T0, ['a', 'b'])]);
    expect(await store.hosts()).toEqual(expect.arrayContaining([one, two]));
    expect(await store.hosts(T0)).toEqual(expect.arrayContaining([one, two]));
    expect(await store.hosts()).toEqual((await store.hosts()).toSorted((a, b) => (a < b ? -1 : 1)));
  });

  it('knows the first and the last frame', async () => {
    const host = newHost();
    expect(await store.lastFrame(host)).toBeNull();
    expect(await store.firstFrame(host)).toBeNull();
    await store.writeFrames([10_000, 0, 5000].map(offset => namedFrame(host, T0 + offset, [])));
    expect(await store.firstFrame(host)).toBe(T0);
    expect(await store.lastFrame(host)).toEqual({ from: T0 + 10_000, to: T0 + 15_000 });
    expect(await store.lastFrame(host, T0 + 10_000)).toEqual({ from: T0 + 5000, to: T0 + 10_000 });
    expect(await store.lastFrame(host, T0)).toBeNull();
  });

  it('holds a frame of many containers', async () => {
    const host = newHost();
    const names = Array.from({ length: 4000 }, (_, i) => `c${String(i).padStart(5, '0')}`);
    const frame = namedFrame(host, T0, names);
    await store.writeFrames([frame]);
    expect(await frames(host)).toEqual([frame]);
  });

  it.each([
    [
      'a window of an unknown container',
      (f: Frame) => ({ ...f, containers: [], flows: [], connections: [] }),
    ],
    ['a container twice', (f: Frame) => ({ ...f, containers: [...f.containers, ...f.containers] })],
    ['a window twice', (f: Frame) => ({ ...f, windows: [...f.windows, ...f.windows] })],
    ['a flow of an unknown container', (f: Frame) => ({ ...f, flows: f.flows.map(stray) })],
    ['a flow twice', (f: Frame) => ({ ...f, flows: [...f.flows, ...f.flows] })],
    ['a connection of an unknown container', (f: Frame) => ({ ...f, connections: f.connections.map(stray) })],
    ['a connection twice', (f: Frame) => ({ ...f, connections: [...f.connections, ...f.connections] })],
    ['a birth of an unknown container', (f: Frame) => ({ ...f, started: ['nobody'] })],
    ['an occupancy that is no number', (f: Frame) => ({ ...f, occupancy: Number.NaN })],
  ])('refuses %s for good, and all of the frame', async (_, spoil) => {
    const host = newHost();
    const spoilt = spoil(namedFrame(host, T0, ['a']));
    await expect(store.writeFrames([spoilt])).rejects.toMatchObject({
      name: 'ExchangeError',
      retry: false,
    });
    expect(await frames(host)).toEqual([]);
  });
});

describe('the arbitraries', () => {
  it('make frames with silent containers, both directions and faults', () => {
    const sample = fc.sample(frameArbitrary(fc.constant('h')), { numRuns: 300, seed: 1 });
    expect(sample.some(f => f.containers.length > 0 && f.windows.length === 0)).toBe(true);
    expect(sample.some(f => f.windows.length > 1 && f.faults.length > 0)).toBe(true);
  });
});

function byStart(list: readonly Frame[]): Frame[] {
  return list.toSorted((a, b) => a.start - b.start);
}

/** The list in random order, cut into random parts. */
function* splits<T>(list: readonly T[], random: Iterator<number>): Generator<T[]> {
  const next = () => Number(random.next().value);
  const rest = list.map(item => ({ item, key: next() })).sort((a, b) => a.key - b.key);
  while (rest.length > 0) yield rest.splice(0, 1 + (next() % 3)).map(({ item }) => item);
}

const stray = <T extends { container: string }>(row: T): T => ({ ...row, container: 'nobody' });
