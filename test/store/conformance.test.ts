import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Annotation, Detection } from '../../core/incident/incident.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { compareDetections } from '../../store/check.ts';
import type { Store } from '../../store/contract.ts';
import { describeWith, type Part } from '../parts/need.ts';
import { annotationArbitrary, detectionArbitrary, frameArbitrary, hostileText, NASTY } from './arbitrary.ts';
import { influxUnderTest, sqliteUnderTest, type UnderTest } from './stores.ts';

/** The promises of store/contract.ts, kept by every store. */
const IMPLEMENTATIONS: readonly [name: string, parts: readonly Part[], start: () => Promise<UnderTest>][] = [
  ['sqlite', [], sqliteUnderTest],
  ['influx', ['influx'], influxUnderTest],
];

const ALL = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
const T0 = 1_700_000_000_000;

for (const [name, parts, start] of IMPLEMENTATIONS) {
  describeWith(parts, `store contract: ${name}`, () => {
    let under: UnderTest;
    let store: Store;
    let hosts = 0;
    /** A host of its own for each test and property run, so that they do not meet. */
    const newHost = (suffix = '') => `host-${++hosts}${suffix}`;

    beforeAll(async () => {
      under = await start();
      store = under.store;
    });
    afterAll(() => under.stop());

    const frames = (host: string, range = ALL) => collect(store.readFrames(host, range));

    it('says what it is and where', async () => {
      const info = await store.open();
      expect(info.product).toMatch(/^(SQLite|InfluxDB) v?\d+\.\d+/);
      expect(info.location).not.toBe('');
    });

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
      const [first, second, newest] = [0, 5000, 10_000].map(offset => frameOf(host, T0 + offset, ['a'])) as [
        Frame,
        Frame,
        Frame,
      ];
      const turn = { ...newest, dropped: 2 };
      const rates = async () =>
        (await collect(store.readSeries(host, { from: T0, to: T0 + 60_000 }, 5000))).map(
          ({ start: at }) => at,
        );
      await store.writeFrames([first]);
      await store.writeFrames([newest], { ahead: true });
      expect(await frames(host)).toEqual([first]);
      expect(await rates()).toEqual([T0, T0 + 10_000]);
      expect(await store.lastFrame(host)).toMatchObject({ start: newest.start });
      await store.writeFrames([second, turn]);
      expect(await frames(host)).toEqual([first, second, turn]);
      // A write that was thought lost arrives late.
      await store.writeFrames([newest], { ahead: true });
      expect(await frames(host)).toEqual([first, second, turn]);
      expect(await rates()).toEqual([T0, T0 + 5000, T0 + 10_000]);
    });

    it('shows a frame that is ahead and was given up as soon as a later one is written in its turn', async () => {
      const host = newHost();
      const [first, given, next] = [0, 10_000, 20_000].map(offset => frameOf(host, T0 + offset, ['a'])) as [
        Frame,
        Frame,
        Frame,
      ];
      const newer = frameOf(host, T0 + 30_000, ['a']);
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
      const frame = frameOf(host, T0, [...NASTY].sort());
      await store.writeFrames([frame]);
      expect(await frames(host)).toEqual([frame]);
    });

    it('reads a half-open range, across its own steps, in order', async () => {
      const host = newHost();
      // One millisecond apart: a step that skips more than the frame it ended with would lose some.
      const written = Array.from({ length: 600 }, (_, i) => frameOf(host, T0 + i, ['a', 'b', 'c', 'd']));
      await store.writeFrames(written);
      expect(await frames(host)).toEqual(written);
      expect(await frames(host, { from: T0 + 1, to: T0 + 3 })).toEqual(written.slice(1, 3));
      expect(await frames(host, { from: T0 + 1.5, to: T0 + 3.5 })).toEqual(written.slice(2, 4));
      expect(await frames(host, { from: T0 + 1, to: T0 + 1 })).toEqual([]);
    });

    it('keeps hosts apart', async () => {
      const [one, two] = [newHost(), newHost("' OR host =~ /.*/ OR host = '")];
      await store.writeFrames([frameOf(one, T0, ['a']), frameOf(two, T0, ['a', 'b'])]);
      expect(await frames(one)).toEqual([frameOf(one, T0, ['a'])]);
      expect(await frames(two)).toEqual([frameOf(two, T0, ['a', 'b'])]);
      expect(await store.hosts()).toEqual(expect.arrayContaining([one, two]));
      expect(await store.hosts()).toEqual((await store.hosts()).toSorted((a, b) => (a < b ? -1 : 1)));
    });

    it('knows the first and the last frame', async () => {
      const host = newHost();
      expect(await store.lastFrame(host)).toBeNull();
      expect(await store.firstFrame(host)).toBeNull();
      await store.writeFrames([10_000, 0, 5000].map(offset => frameOf(host, T0 + offset, [])));
      expect(await store.firstFrame(host)).toBe(T0);
      expect(await store.lastFrame(host)).toEqual({ start: T0 + 10_000, end: T0 + 15_000 });
      expect(await store.lastFrame(host, T0 + 10_000)).toEqual({ start: T0 + 5000, end: T0 + 10_000 });
      expect(await store.lastFrame(host, T0)).toBeNull();
    });

    it('holds a frame of many containers', async () => {
      const host = newHost();
      const names = Array.from({ length: 4000 }, (_, i) => `c${String(i).padStart(5, '0')}`);
      const frame = frameOf(host, T0, names);
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
      [
        'a connection of an unknown container',
        (f: Frame) => ({ ...f, connections: f.connections.map(stray) }),
      ],
      ['a connection twice', (f: Frame) => ({ ...f, connections: [...f.connections, ...f.connections] })],
      ['a birth of an unknown container', (f: Frame) => ({ ...f, started: ['nobody'] })],
      ['an occupancy that is no number', (f: Frame) => ({ ...f, occupancy: Number.NaN })],
    ])('refuses %s for good, and all of the frame', async (_, spoil) => {
      const host = newHost();
      const spoilt = spoil(frameOf(host, T0, ['a']));
      await expect(store.writeFrames([spoilt])).rejects.toMatchObject({
        name: 'ExchangeError',
        retry: false,
      });
      expect(await frames(host)).toEqual([]);
    });

    it('adds up flows over a half-open range', async () => {
      const host = newHost("' flows");
      const names = [...NASTY].sort();
      await store.writeFrames([0, 1, 2, 3].map(n => frameOf(host, T0 + n * 5000, names)));
      await store.writeFrames([frameOf(newHost(), T0, ['somebody else'])]);
      const flows = frameOf(host, T0, names).flows.map(({ address: _, ...flow }) => ({
        ...flow,
        service: `service of ${flow.container}`,
      }));
      const times = (n: number) =>
        flows.map(flow => ({ ...flow, sentMessages: 3 * n, sentBytes: 300 * n, connections: n }));
      expect(await store.readFlows(host, { from: T0, to: T0 + 15_000 })).toEqual(times(3));
      expect(await store.readFlows(host, ALL)).toEqual(times(4));
      expect(await store.readFlows(host, { from: T0 + 1, to: T0 + 4 })).toEqual([]);
      expect(await store.readFlows('nobody', ALL)).toEqual([]);
    });

    it('gives back detections, by start, then container; a later write replaces', async () => {
      const list = fc.uniqueArray(detectionArbitrary(fc.constant('')), {
        maxLength: 8,
        selector: d => JSON.stringify([d.start, d.container]),
      });
      await fc.assert(
        fc.asyncProperty(list, hostileText, async (bare, suffix) => {
          const host = newHost(suffix);
          const written = bare.map(detection => ({ ...detection, host }));
          await store.writeDetections(written.map(detection => ({ ...detection, score: 1 })));
          await store.writeDetections(written);
          expect(await store.readDetections(host, ALL)).toEqual(written.toSorted(compareDetections));
        }),
        { numRuns: 30 },
      );
    });

    it('reads detections of a half-open range', async () => {
      const host = newHost();
      const written = Array.from({ length: 5000 }, (_, i) =>
        detectionOf(host, T0 + Math.floor(i / 2), `c${i % 2}`),
      );
      await store.writeDetections(written);
      expect(await store.readDetections(host, { from: T0, to: T0 + 2500 })).toEqual(written);
      expect(await store.readDetections(host, { from: T0 + 10, to: T0 + 12 })).toEqual(written.slice(20, 24));
    });

    it('refuses a detection that is no number, for good', async () => {
      const row = { ...detectionOf(newHost(), T0, 'a'), seen: Number.POSITIVE_INFINITY };
      await expect(store.writeDetections([row])).rejects.toMatchObject({
        name: 'ExchangeError',
        retry: false,
      });
    });

    it('gives back annotations as they were written', async () => {
      const list = fc.uniqueArray(annotationArbitrary(fc.constant('')), {
        maxLength: 5,
        selector: a => a.id,
      });
      await fc.assert(
        fc.asyncProperty(list, hostileText, async (bare, suffix) => {
          const host = newHost(suffix);
          const written = bare.map(annotation => ({ ...annotation, host, id: `${host} ${annotation.id}` }));
          await store.writeAnnotations(written);
          expect(await store.readAnnotations(ALL, host)).toEqual(byStartAndId(written));
        }),
        { numRuns: 30 },
      );
    });

    it('grows and resolves an annotation, whatever the order of writes', async () => {
      const opening = annotationOf(newHost(), 'i', T0, 5000);
      const growth = { ...opening, end: T0 + 10_000, severity: 'critical' as const, title: 'grown' };
      const resolution = { ...growth, state: 'resolved' as const, title: 'over' };
      const orders = [
        [opening, growth, resolution],
        [opening, resolution, growth],
        [resolution, opening, growth, opening],
        [growth, resolution, resolution, opening],
      ];
      for (const order of orders) {
        const host = newHost();
        const id = `id of ${host}`;
        for (const version of order) await store.writeAnnotations([{ ...version, host, id }]);
        expect(await store.readAnnotations(ALL, host)).toEqual([{ ...resolution, host, id }]);
      }
    });

    it('merges versions of one annotation in one call', async () => {
      const opening = annotationOf(newHost(), 'once', T0, 5000);
      await store.writeAnnotations([{ ...opening, state: 'resolved' }, opening]);
      expect(await store.readAnnotations(ALL, opening.host)).toEqual([{ ...opening, state: 'resolved' }]);
    });

    it('finds annotations whose region touches the range, of one host or all', async () => {
      const host = newHost();
      const long = annotationOf(host, `${host} long`, T0 - 86_400_000, 86_400_000 + 5000);
      const late = annotationOf(host, `${host} late`, T0 + 10_000, 5000);
      const moment = annotationOf(newHost(), `${host} moment`, T0 + 3000, 0);
      await store.writeAnnotations([late, long, moment]);
      const ids = async (from: number, to: number, of?: string) =>
        (await store.readAnnotations({ from: T0 + from, to: T0 + to }, of))
          .map(annotation => annotation.id)
          .filter(id => id.startsWith(`${host} `));
      expect(await ids(0, 5000)).toEqual([long.id, moment.id]);
      expect(await ids(0, 5000, host)).toEqual([long.id]);
      expect(await ids(3000, 10_000)).toEqual([long.id, moment.id]);
      expect(await ids(5000, 10_000)).toEqual([]);
      expect(await ids(14_999, 20_000)).toEqual([late.id]);
    });

    it('keeps everything when it is closed and opened again', async () => {
      const host = newHost();
      const frame = frameOf(host, T0, ['a']);
      await store.writeFrames([frame]);
      await store.close();
      await expect(store.writeFrames([frame])).rejects.toMatchObject({ retry: false });
      await store.open();
      expect(await frames(host)).toEqual([frame]);
    });
  });
}

describe('the arbitraries', () => {
  it('make frames with silent containers, both directions and faults', () => {
    const sample = fc.sample(frameArbitrary(fc.constant('h')), { numRuns: 300, seed: 1 });
    expect(sample.some(f => f.containers.length > 0 && f.windows.length === 0)).toBe(true);
    expect(sample.some(f => f.windows.length > 1 && f.faults.length > 0)).toBe(true);
  });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function byStart(list: readonly Frame[]): Frame[] {
  return list.toSorted((a, b) => a.start - b.start);
}

function byStartAndId(list: readonly Annotation[]): Annotation[] {
  return list.toSorted((a, b) => a.start - b.start || (a.id < b.id ? -1 : 1));
}

/** The list in random order, cut into random parts. */
function* splits<T>(list: readonly T[], random: Iterator<number>): Generator<T[]> {
  const next = () => Number(random.next().value);
  const rest = list.map(item => ({ item, key: next() })).sort((a, b) => a.key - b.key);
  while (rest.length > 0) yield rest.splice(0, 1 + (next() % 3)).map(({ item }) => item);
}

const stray = <T extends { container: string }>(row: T): T => ({ ...row, container: 'nobody' });

function frameOf(host: string, start: number, names: readonly string[]): Frame {
  return {
    host,
    start,
    durationMs: 5000,
    previous: start - 5000,
    faults: [],
    lost: 0,
    occupancy: 0.25,
    containers: names.map(name => ({
      name,
      kind: 'container',
      service: `service of ${name}`,
      replica: name,
      image: `image:${name}`,
      id: `id ${name}`,
    })),
    started: [],
    ended: [],
    windows: names.map(container => ({
      container,
      direction: 'send',
      messages: 3,
      bytes: 300,
      sizes: [
        [64, 2],
        [128, 1],
      ],
    })),
    flows: names.map(container => ({
      container,
      protocol: 'tcp',
      role: 'client',
      peerKind: 'container',
      peer: `peer of ${container}`,
      port: 443,
      address: '10.0.0.1',
      sentMessages: 3,
      sentBytes: 300,
      receivedMessages: 0,
      receivedBytes: 0,
      connections: 1,
      failures: 0,
    })),
    connections: names.map(container => ({
      container,
      kind: 'opened',
      own: '10.0.0.2',
      peer: '10.0.0.1',
      port: 443,
      clientPort: 50_123,
      count: 1,
    })),
  };
}

function detectionOf(host: string, start: number, container: string): Detection {
  const scores = { burst: 2, level: 0.5 };
  return { host, service: 's', container, start, score: 2, scores, seen: 10, expected: 5, open: true };
}

function annotationOf(host: string, id: string, start: number, length: number): Annotation {
  const what = { severity: 'warning', state: 'firing', title: 'title', text: 'text' } as const;
  return { id, host, service: 's', container: 'c', start, end: start + length, ...what };
}
