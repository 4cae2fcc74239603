import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ContainerTotals, SIZE_LIMITS } from '../../../collector/frames/container-totals.ts';
import type { Container, ContainerKind, Direction, Frame, Window } from '../../../core/traffic/frame.ts';
import { BUCKETS, type Sizes, upperBound } from '../../../core/traffic/histogram.ts';

type Part = Pick<Frame, 'containers' | 'windows'>;
const MINUTE_MS = 60_000;

const containerOf = (name: string, kind: ContainerKind = 'container', service = name): Container => ({
  ...{ name, kind, service, replica: '1', image: '', id: '' },
});
const windowOf = (container: string, bytes: number, sizes: Sizes, direction: Direction = 'send'): Window => ({
  ...{ container, direction, bytes, sizes },
  messages: sizes.reduce((sum, [, count]) => sum + count, 0),
});
/** A frame in which each of them has sent one message of 100 bytes. */
const frameOf = (...containers: Container[]): Part => ({
  containers,
  windows: containers.map(({ name }) => windowOf(name, 100, [[64, 1]])),
});
const sentBy = (totals: ContainerTotals) =>
  Object.fromEntries(
    totals.totals
      .filter(({ direction }) => direction === 'send')
      .map(({ container, bytes }) => [container, bytes]),
  );

describe('totals of containers', () => {
  it('have every byte and message once, never fall while they are there, and are no more than asked for', () => {
    const name = fc.constantFrom('a', 'b', 'c', '/d', '/e', 'other');
    const window = fc.record({
      ...{ name, direction: fc.constantFrom<Direction>('send', 'receive'), bytes: fc.nat(1e6) },
      sizes: fc.uniqueArray(fc.tuple(fc.constantFrom(...BUCKETS), fc.integer({ min: 1, max: 9 })), {
        ...{ minLength: 1, maxLength: 4, selector: ([bound]) => bound },
      }),
    });
    const kindOf = (one: string): ContainerKind =>
      one === 'other' ? 'other' : one.startsWith('/') ? 'cgroup' : 'container';
    const frame = fc
      .uniqueArray(window, {
        selector: ({ name, direction }) => `${name} ${direction}`,
        maxLength: 8,
      })
      .map(
        (all): Part => ({
          containers: [...new Set(all.map(({ name }) => name))].map(one => containerOf(one, kindOf(one))),
          windows: all.map(({ name, direction, bytes, sizes }) => windowOf(name, bytes, sizes, direction)),
        }),
      );
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 20 }), fc.integer({ min: 1, max: 4 }), (frames, limit) => {
        const totals = new ContainerTotals(limit);
        let before = totals.totals;
        for (const [i, part] of frames.entries()) {
          totals.add(part, i);
          const now = totals.totals;
          expect(new Set(now.map(({ container }) => container)).size).toBeLessThanOrEqual(limit + 1);
          for (const total of now) {
            const old = before.find(
              one => one.container === total.container && one.direction === total.direction,
            );
            expect(total.bytes).toBeGreaterThanOrEqual(old?.bytes ?? 0);
            expect(total.sizes.at(-1)).toBe(total.messages);
            expect([...total.sizes].sort((a, b) => a - b)).toEqual(total.sizes);
          }
          before = now;
        }
        // Nobody had to make room: then they are all there is.
        const everybody = new Set(frames.flatMap(({ containers }) => containers.map(({ name }) => name)));
        if (everybody.size > limit) return;
        const sum = (of: readonly { messages: number; bytes: number }[]) =>
          of.reduce((all, { messages, bytes }) => [(all[0] ?? 0) + messages, (all[1] ?? 0) + bytes], [0, 0]);
        expect(sum(before)).toEqual(sum(frames.flatMap(({ windows }) => windows)));
      }),
    );
  });

  it('count each size at the first limit that it does not exceed', () => {
    const totals = new ContainerTotals(1);
    totals.add(
      {
        containers: [containerOf('a')],
        windows: [
          windowOf(
            'a',
            1,
            BUCKETS.map(bound => [bound, 1]),
          ),
        ],
      },
      0,
    );
    const sizes = totals.totals.find(({ direction }) => direction === 'send')?.sizes;
    // The largest size of a bucket is one below the next.
    expect(sizes).toEqual(
      SIZE_LIMITS.map(limit => BUCKETS.filter(bound => upperBound(bound) - 1 <= limit).length),
    );
  });

  it('whoever comes when all places are taken is other, and so is who is nameless to the frame itself', () => {
    const totals = new ContainerTotals(2);
    totals.add(
      frameOf(containerOf('a'), containerOf('b'), containerOf('c'), containerOf('other', 'other')),
      0,
    );
    expect(sentBy(totals)).toEqual({ a: 100, b: 100, other: 200 });
  });

  it('a container takes the place of a cgroup, which is other from then on', () => {
    const totals = new ContainerTotals(1);
    totals.add(frameOf(containerOf('/system.slice', 'cgroup')), 0);
    expect(sentBy(totals)).toEqual({ '/system.slice': 100, other: 0 });
    totals.add(frameOf(containerOf('/system.slice', 'cgroup'), containerOf('a')), 1);
    totals.add(frameOf(containerOf('/system.slice', 'cgroup'), containerOf('a')), 2);
    expect(sentBy(totals)).toEqual({ a: 200, other: 100 });
  });

  it('whoever is gone keeps its numbers for ten minutes, then its place is free', () => {
    const totals = new ContainerTotals(1);
    totals.add(frameOf(containerOf('a')), 0);
    totals.add(frameOf(containerOf('b')), 10 * MINUTE_MS);
    expect(sentBy(totals)).toEqual({ a: 100, other: 100 });
    totals.add(frameOf(containerOf('b')), 10 * MINUTE_MS + 1);
    expect(sentBy(totals)).toEqual({ b: 100, other: 100 });
  });

  it('a name that is another service now begins anew', () => {
    const totals = new ContainerTotals(1);
    totals.add(frameOf(containerOf('a', 'container', 'old')), 0);
    totals.add(frameOf(containerOf('a', 'container', 'new')), 1);
    expect(totals.totals[0]).toMatchObject({ container: 'a', service: 'new', bytes: 100 });
  });
});
