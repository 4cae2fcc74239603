import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Frame } from '../../../core/traffic/frame.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { DETECTORS } from '../../../detector/index.ts';
import { BatchReader, BatchWriter } from '../../../review/threads/batch.ts';
import { Members, Shares } from '../../../review/threads/shares.ts';
import { container, rules } from '../../detector/data/frames.ts';
import { randomFrames } from '../../detector/data/random-frames.ts';
import { frameArbitrary } from '../../store/arbitrary.ts';

const containersOf = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts).flatMap(([service, count]) =>
    Array.from({ length: count }, (_, i) => container(`${service}-${i}`, { service })),
  );

it('each share has about as many containers, and a service stays where it is', () => {
  const shares = new Shares(2);
  const first = containersOf({ a: 1, b: 6, c: 2, d: 3 });
  const shareOf = shares.of(first);
  expect([...shareOf].filter(share => share === 0)).toHaveLength(6);
  for (const service of 'abcd')
    expect(new Set(first.flatMap((one, i) => (one.service === service ? [shareOf[i]] : []))).size).toBe(1);
  const more = containersOf({ d: 30, e: 5, b: 1 });
  const known = new Map(first.map(({ service }, i) => [service, shareOf[i]]));
  const now = shares.of(more);
  for (const [i, { service }] of more.entries()) if (service !== 'e') expect(now[i]).toBe(known.get(service));
});

it('of what is known every share has that of its own services, and nobody any other', () => {
  const fold = createFold({
    rules: rules([{ use: 'threshold', name: 'limit', above: '1B/s' }]),
    detectors: DETECTORS,
  });
  fc.assert(
    fc.property(randomFrames(1), frames => {
      let state = fold.init();
      for (const one of frames) ({ state } = fold.step(state, one));
      const shares = new Shares(3);
      const parts = shares.split(state);
      const keys = parts.map(({ subjects }) => Object.keys(subjects.byKey));
      expect(keys.flat().sort()).toEqual(Object.keys(state.subjects.byKey).sort());
      for (const [share, { subjects }] of parts.entries()) {
        expect(subjects.count).toBe(keys[share]?.length);
        for (const key of keys[share] ?? [])
          expect([...shares.of(containersOf({ [JSON.parse(key)[1]]: 1 }))]).toEqual([share]);
      }
    }),
    { numRuns: 30 },
  );
});

it('frames that are sent in batches hold, of each share, all that is said of its services, and who else is there', () => {
  const frames = fc.array(frameArbitrary(fc.constant('host')), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 3 }), (list, size) => {
      const shares = new Shares(2);
      const writer = new BatchWriter(new Members(shares), 2);
      const readers = [new BatchReader(), new BatchReader()];
      for (let i = 0; i < list.length; i += size) {
        const some = list.slice(i, i + size);
        const batches = writer.write(some).map(batch => structuredClone(batch));
        for (const [share, batch] of batches.entries()) {
          const read = [...(readers[share]?.read(batch) ?? [])];
          expect(read).toEqual(some.map(one => expectedOf(one, shares, share)));
        }
      }
    }),
  );
});

function expectedOf(frame: Frame, shares: Shares, share: number) {
  const shareOf = shares.of(frame.containers);
  const places = [...frame.containers.keys()].filter(i => shareOf[i] === share);
  const own = places.map(i => frame.containers[i]);
  const names = new Set(own.map(one => one?.name));
  const isOwn = (row: { readonly container: string }) => names.has(row.container);
  const { windows, flows, connections } = frame;
  return {
    frame: {
      ...frame,
      windows: windows.filter(isOwn),
      flows: flows.filter(isOwn),
      connections: connections.filter(isOwn),
    },
    own,
    places,
  };
}
