import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ClockReading, Event } from '../../../collector/contract.ts';
import { type BuilderOptions, FrameBuilder } from '../../../collector/frames/builder.ts';
import {
  DIRECTIONS,
  type Direction,
  decodeFrame,
  encodeFrame,
  type Frame,
} from '../../../core/traffic/frame.ts';
import { BUCKETS, type Sizes } from '../../../core/traffic/histogram.ts';
import { cellsOf } from '../../data/cells.ts';
import { mergeSizes } from '../../data/sizes.ts';
import { breaks, trafficOf } from '../../parts/kernel/capture.ts';

const WALL = 1_700_000_000_000;
const S = 1e9;
const ID = 'abcdef012345'.repeat(5).concat('6789');
const ID2 = 'f'.repeat(64);

/** Drives a builder with intervals of one second. */
class Driver {
  readonly builder: FrameBuilder;
  readonly frames: Frame[] = [];
  second = 0;
  /** By how much the wall clock has been set forward, ms. */
  stepped = 0;

  constructor(options: Partial<BuilderOptions> = {}) {
    const usual = { host: 'h', intervalMs: 1000, mapKeys: 1000, maxContainers: 100, previous: null };
    this.builder = new FrameBuilder({ ...usual, ...options });
  }

  get reading(): ClockReading {
    const boot = this.second * 1000 + 5;
    return { wall: WALL + boot + this.stepped, boot };
  }

  say(...events: readonly Event[]): this {
    for (const event of events) this.frames.push(...this.builder.step(event, this.reading));
    return this;
  }

  begin(): this {
    return this.say({ kind: 'begin', ns: this.second * S, probe: 'lhist', intervalMs: 1000, mapKeys: 1000 });
  }

  /** One interval passes, in which this was counted. */
  interval(...counts: readonly Event[]): this {
    this.second++;
    const ns = this.second * S;
    return this.say({ kind: 'flip', ns, set: 'a' }, ...counts, { kind: 'end', ns });
  }

  get last(): Frame {
    const frame = this.frames.at(-1);
    if (!frame) throw new Error('no frame yet');
    return frame;
  }
}

const started = (options?: Partial<BuilderOptions>) => new Driver(options).begin();

/** Messages of 10 bytes. */
const counts = (cgroup: string, count: number, direction: Direction = 'send'): Event => ({
  kind: 'counts',
  map: `@${direction}`,
  set: 'a',
  direction,
  entries: 1,
  flows: null,
  ends: [],
  clients: [],
  connections: [],
  traffic: cellsOf([{ cgroup, bytes: 10 * count, sizes: [[0, count]] }]),
});
const life = (kind: 'birth' | 'death', ns: number, cgroup: string, path: string): Event => ({
  kind,
  ns,
  cgroup,
  path,
  cut: false,
});
const describedAs = (id: string, name: string) =>
  ({
    kind: 'described',
    description: { id, name, image: 'i:1', project: '', service: '', number: '' },
  }) as const;
const names = (frame: Frame) => frame.containers.map(container => container.name);

describe('the frame builder', () => {
  it('makes one frame an interval, idle or not, the first one marked', () => {
    const { frames } = started().interval().interval(counts('7', 3)).interval();
    expect(frames.map(frame => frame.start - WALL)).toEqual([0, 1000, 2000]);
    expect(frames.map(frame => frame.faults)).toEqual([['attach'], [], []]);
    expect(frames.map(frame => frame.windows.length)).toEqual([0, 1, 0]);
    expect(breaks(frames)).toEqual([]);
  });

  it('aggregates the traffic of unknown cgroups as `other`', () => {
    const { last } = started().interval(counts('7', 3), { ...counts('8', 2), map: '@x' } as Event);
    expect(last.windows).toEqual([
      { container: 'other', direction: 'send', messages: 5, bytes: 50, sizes: [[0, 5]] },
    ]);
    expect(last.containers).toMatchObject([{ name: 'other', kind: 'other' }]);
  });

  it('lists containers as long as they live, other cgroups from their first traffic on', () => {
    const driver = started();
    driver.say(life('birth', 0.5 * S, '5', `/docker/${ID}`), life('birth', 0.5 * S, '6', '/a.service'));
    driver.interval();
    expect(names(driver.last)).toEqual(['docker:abcdef012345']);
    expect(driver.last.started).toEqual(['docker:abcdef012345']);
    driver.interval(counts('6', 1)).interval();
    expect(names(driver.last)).toEqual(['/a.service', 'docker:abcdef012345']);
    driver.say(life('death', 3.5 * S, '5', `/docker/${ID}`), life('death', 3.6 * S, '6', '/a.service'));
    driver.interval(counts('6', 1), { ...counts('5', 1, 'receive') } as Event);
    expect(driver.last.ended).toEqual(['/a.service', 'docker:abcdef012345']);
    expect(driver.last.windows.map(window => window.container)).toEqual([
      '/a.service',
      'docker:abcdef012345',
    ]);
    driver.interval();
    expect(names(driver.last)).toEqual([]);
  });

  it('tells a birth after the flip in the next frame, although it was heard before the end of the readout', () => {
    const driver = started();
    driver.second = 1;
    driver.say({ kind: 'flip', ns: S, set: 'a' }, life('birth', 1.001 * S, '5', `/docker/${ID}`), {
      kind: 'end',
      ns: S,
    });
    expect(names(driver.last)).toEqual([]);
    driver.interval();
    expect(driver.last.started).toEqual(['docker:abcdef012345']);
  });

  it('merges two cgroups of one name, details from the newest', () => {
    const driver = started();
    driver.say(life('birth', 1, '9', `/docker/${ID}`), life('birth', 2, '10', `/docker/${ID2}`));
    for (const id of [ID, ID2]) driver.builder.learn(describedAs(id, 'web'));
    driver.say(life('death', 3, '9', `/docker/${ID}`));
    driver.interval(counts('9', 1), { ...counts('10', 2), map: '@x' } as Event);
    expect(driver.last).toMatchObject({
      containers: [{ name: 'web', id: ID2 }],
      started: ['web'],
      ended: ['web'],
      windows: [{ container: 'web', messages: 3 }],
    });
  });

  it('counts cgroups inside a container as the container', () => {
    const driver = started();
    driver.say(life('birth', 1, '5', `/docker/${ID}`)).interval();
    driver.say(life('birth', 1.5 * S, '6', `/docker/${ID}/init.scope`)).interval(counts('6', 4));
    expect(driver.last).toMatchObject({
      started: [],
      windows: [{ container: 'docker:abcdef012345', messages: 4 }],
    });
    expect(driver.last.containers).toHaveLength(1);
  });

  it('keeps the oldest containers and aggregates the rest beyond the limit', () => {
    const driver = started({ maxContainers: 2 });
    for (const i of [8, 9, 10]) driver.say(life('birth', i, String(i), `/c${i}`));
    driver.interval(...[10, 9, 8].map(i => ({ ...counts(String(i), i), map: `@${i}` }) as Event));
    expect(driver.last.windows.map(window => [window.container, window.messages])).toEqual([
      ['/c8', 8],
      ['/c9', 9],
      ['other', 10],
    ]);
    expect(driver.builder.counters.aggregatedContainers).toBe(1);
  });

  it('trusts a scan: what is not in it and older is gone; it does not bring the dead back', () => {
    const driver = started();
    driver.say(life('birth', 1, '5', `/docker/${ID}`), life('death', 0.2 * S, '6', `/docker/${ID2}`));
    driver.builder.learn({ kind: 'scanned', boot: 100, cgroups: [['6', `/docker/${ID2}`]] });
    driver.interval();
    expect(driver.last.ended).toHaveLength(2);
    driver.interval();
    expect(names(driver.last)).toEqual([]);
  });

  it('asks only for living containers that Docker may know', () => {
    const driver = started();
    driver.say(life('birth', 1, '5', `/docker/${ID}`), life('birth', 1, '6', `/x/libpod-${ID2}.scope`));
    expect(driver.builder.undescribed('docker')).toEqual([ID]);
    driver.builder.learn(describedAs(ID, 'web'));
    expect(driver.builder.undescribed('docker')).toEqual([]);
  });

  it('forgets descriptions that Docker removed, once their last frame has passed', () => {
    const driver = started();
    driver.say(life('birth', 1, '5', `/docker/${ID}`));
    driver.builder.learn(describedAs(ID, 'web'));
    driver.say(life('death', 2, '5', `/docker/${ID}`));
    driver.builder.learn({ kind: 'forgotten', boot: 0, id: ID });
    driver.interval(counts('5', 1));
    expect(names(driver.last)).toEqual(['web']);
    driver.interval().interval().interval();
    driver.say(life('birth', 4.5 * S, '7', `/docker/${ID}`)).interval();
    expect(names(driver.last)).toEqual(['docker:abcdef012345']);
  });

  it('keeps a description that Docker removed while frames were waiting to be read', () => {
    const driver = started();
    driver.builder.learn(describedAs(ID, 'brief'));
    driver.builder.learn({ kind: 'forgotten', boot: 3500, id: ID });
    driver.interval().interval();
    driver.say(
      life('birth', 3 * S + 1, '5', `/docker/${ID}`),
      life('death', 3 * S + 2, '5', `/docker/${ID}`),
    );
    driver.interval(counts('5', 1));
    expect(names(driver.last)).toEqual(['brief']);
  });
});

describe('faults', () => {
  const faults = (driver: Driver) => driver.frames.map(frame => frame.faults.join());

  it('full map', () => {
    const driver = started({ mapKeys: 10 }).interval();
    driver
      .interval({ ...counts('5', 1), entries: 9 } as Event)
      .interval({ ...counts('5', 1), entries: 10 } as Event);
    expect(faults(driver)).toEqual(['attach', '', 'saturated']);
    expect(driver.frames.map(frame => frame.occupancy)).toEqual([0, 0.9, 1]);
  });

  it('lost events', () => {
    const driver = started().interval().say({ kind: 'lost', events: 3 }).interval().interval();
    expect(faults(driver)).toEqual(['attach', 'lost-events', '']);
    expect(driver.frames.map(frame => frame.lost)).toEqual([0, 3, 0]);
  });

  it('messages that were counted and are in no cell', () => {
    const total = (messages: number): Event => ({ kind: 'total', set: 'a', messages });
    const driver = started({ mapKeys: 2 }).interval().interval(counts('1', 5), total(5));
    expect(driver.last).toMatchObject({ faults: [], lost: 0 });
    driver.interval(counts('1', 5), total(8));
    expect(driver.last).toMatchObject({ faults: ['lost-events'], lost: 3 });
    driver.interval({ ...counts('1', 5), entries: 2 } as Event, total(7), total(9));
    expect(driver.last).toMatchObject({ faults: ['saturated'], lost: 2 });
    expect(driver.builder.counters).toMatchObject({ lost: 5, duplicates: 1 });
    driver.say(total(1)).interval();
    expect(driver.last).toMatchObject({ faults: ['garbage'], lost: 0 });
  });

  it('bpftrace gone between two parts of an interval: what the first part held is in the frame', () => {
    const driver = started().interval();
    driver.second++;
    driver.say({ kind: 'flip', ns: driver.second * S, set: 'b' }, { ...counts('1', 5), set: 'b' } as Event);
    driver.say({ kind: 'more', ns: driver.second * S });
    driver.frames.push(...driver.builder.learn({ kind: 'ended', reason: 'killed', ...driver.reading }));
    driver.second++;
    driver.begin();
    expect(driver.last).toMatchObject({ faults: ['restart'], durationMs: 2000 });
    expect(trafficOf(driver.frames, 'other', 'send').messages).toBe(5);
    driver.interval();
    expect(driver.last.windows).toEqual([]);
  });

  it('merged intervals', () => {
    const driver = started().interval();
    driver.second++;
    driver.interval(counts('5', 1));
    driver.second += 2;
    driver.interval(counts('5', 1)).interval();
    // One tick that was passed over is only a longer frame, with all that happened.
    expect(faults(driver)).toEqual(['attach', '', 'late-flip', '']);
    expect(driver.frames.map(frame => frame.durationMs)).toEqual([1000, 2000, 3000, 1000]);
    expect(driver.builder.counters.merged).toBe(3);
  });

  it('suspend: one interval as long as it truly was, and the next one right behind it', () => {
    const driver = started().interval();
    driver.second += 3600;
    driver.interval(counts('5', 2)).interval();
    expect(faults(driver)).toEqual(['attach', 'late-flip', '']);
    expect(driver.frames.map(({ start, durationMs }) => [start - WALL, durationMs])).toEqual([
      [0, 1000],
      [1000, 3_601_000],
      [3_602_000, 1000],
    ]);
    expect(driver.frames[1]?.windows).toMatchObject([{ messages: 2 }]);
  });

  it('a wall clock set back between two captures: the first frame begins where the last one ended', () => {
    const last = { start: WALL + 3_600_000, end: WALL + 3_605_000 };
    const { frames, builder } = started({ previous: last.start, notBefore: last.end }).interval().interval();
    expect(frames.map(({ previous, start }) => [previous, start])).toEqual([
      [last.start, last.end],
      [last.end, last.end + 1000],
    ]);
    expect(builder.aheadMs).toBe(3_605_000);
    // Of an older recording nobody knows the end; one that makes no sense changes nothing.
    for (const notBefore of [undefined, WALL]) {
      const driver = started({ previous: last.start, notBefore }).interval();
      expect(driver.last.start).toBe(last.start + 1);
    }
  });

  it('a wall clock set forward and back: never two frames with one start, and nothing is marked or lost', () => {
    const driver = started().interval(counts('5', 1));
    for (const step of [3_600_000, -7_200_000, 30_000, -1]) {
      driver.stepped += step;
      driver.interval(counts('5', 1)).interval(counts('5', 1));
    }
    expect(faults(driver).filter(Boolean)).toEqual(['attach']);
    const ends = driver.frames.map(({ start, durationMs }) => start + durationMs);
    expect(driver.frames.slice(1).every(({ start }, i) => start >= (ends[i] ?? 0))).toBe(true);
    expect(trafficOf(driver.frames, 'other', 'send').messages).toBe(driver.frames.length);
  });

  it('bpftrace gone in the middle of a readout, and back', () => {
    const driver = started().interval();
    driver.second = 2;
    driver.say({ kind: 'flip', ns: 2 * S, set: 'b' });
    driver.frames.push(...driver.builder.learn({ kind: 'ended', reason: '', ...driver.reading }));
    driver.second = 9;
    driver.begin().interval(counts('5', 1)).interval();
    expect(faults(driver)).toEqual(['attach', 'restart', 'restart', 'attach', '']);
    expect(driver.frames.map(frame => frame.durationMs)).toEqual([1000, 1000, 7000, 1000, 1000]);
    expect(breaks(driver.frames)).toEqual([]);
  });

  it.each<[string, Event[]]>([
    ['garbage', [{ kind: 'garbage', reason: 'x' }]],
    ['an end without its flip', [{ kind: 'end', ns: 1 }]],
    ['a map outside its readout', [counts('5', 1)]],
    ['a flip of the past', [{ kind: 'flip', ns: 1, set: 'a' }]],
    ['a flip of the future', [{ kind: 'flip', ns: 1e18, set: 'a' }]],
  ])('%s', (_, events) => {
    const driver = started()
      .interval()
      .say(...events)
      .interval(counts('5', 2))
      .interval();
    expect(faults(driver)).toEqual(['attach', 'garbage', '']);
    expect(driver.builder.counters.garbage).toBe(1);
    expect(driver.frames[1]?.windows).toMatchObject([{ messages: 2 }]);
    expect(breaks(driver.frames)).toEqual([]);
  });

  it('a readout without end', () => {
    const driver = started().interval();
    driver.second = 2;
    driver.say({ kind: 'flip', ns: 2 * S, set: 'b' }).interval(counts('5', 1));
    expect(faults(driver)).toEqual(['attach', 'garbage', '']);
    expect(driver.last.windows).toMatchObject([{ messages: 1 }]);
  });

  it('duplicate lines are counted and change nothing', () => {
    const once = started().interval(counts('5', 1)).interval();
    const twice = started().begin();
    for (const say of [[counts('5', 1)], []]) {
      twice.interval(...say.flatMap(event => [event, event]));
      twice.say({ kind: 'begin', ns: 0, probe: 'lhist', intervalMs: 1000, mapKeys: 1000 });
    }
    expect(twice.frames).toEqual(once.frames);
    expect(twice.builder.counters.duplicates).toBe(4);
  });
});

describe('for any traffic', () => {
  const cgroup = fc.constantFrom('1', '5', '6', '7', '404');
  const entry = fc.record({
    cgroup,
    bound: fc.constantFrom(...BUCKETS),
    count: fc.integer({ min: 1, max: 1e9 }),
  });
  const map = fc.record({ direction: fc.constantFrom(...DIRECTIONS), sizes: fc.array(entry) });
  const event: fc.Arbitrary<Event> = fc.oneof(
    fc.record({
      kind: fc.constantFrom('flip' as const),
      ns: fc.nat(1e10),
      set: fc.constantFrom('a' as const, 'b' as const),
    }),
    fc.record({ kind: fc.constantFrom('end' as const), ns: fc.nat(1e10) }),
    fc.record({ kind: fc.constantFrom('lost' as const), events: fc.nat() }),
    fc.record({
      kind: fc.constantFrom('birth' as const, 'death' as const),
      ns: fc.nat(1e10),
      cgroup,
      path: fc.oneof(
        fc.string().map(text => `/${text}`),
        fc.constant(`/docker/${ID}`),
      ),
      cut: fc.boolean(),
    }),
  );

  it('nothing is lost and nothing is invented, whoever made it', () => {
    fc.assert(
      fc.property(fc.array(map), fc.integer({ min: 1, max: 4 }), (maps, maxContainers) => {
        const driver = started({ maxContainers });
        for (const id of ['1', '5', '6', '7']) driver.say(life('birth', 1, id, `/c${id}`));
        driver.interval(
          ...maps.map(
            ({ direction, sizes }, i): Event => ({
              ...{
                kind: 'counts',
                map: `@${i}`,
                set: 'a',
                direction,
                entries: sizes.length,
                traffic: cellsOf(
                  sizes.map(({ cgroup, bound, count }) => ({ cgroup, bytes: 0, sizes: [[bound, count]] })),
                ),
                flows: null,
                ends: [],
                clients: [],
                connections: [],
              },
            }),
          ),
        );
        for (const direction of DIRECTIONS) {
          const seen = mergeSizes(
            ...driver.last.containers.map(one => trafficOf(driver.frames, one.name, direction).sizes),
          );
          const made = maps.filter(one => one.direction === direction).flatMap(one => one.sizes);
          expect(seen).toEqual(mergeSizes(made.map(({ bound, count }) => [bound, count] as const) as Sizes));
        }
        expect(decodeFrame(encodeFrame(driver.last), 'test')).toEqual(driver.last);
      }),
    );
  });

  it('frames are valid and follow each other, whatever the order of events', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), events => {
        const driver = started();
        driver.second = 100;
        driver.say(...events);
        for (const frame of driver.frames) expect(decodeFrame(encodeFrame(frame), 'test')).toEqual(frame);
        expect(breaks(driver.frames)).toEqual([]);
      }),
    );
  });
});
