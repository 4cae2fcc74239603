import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createHostFold, type HostOutput } from '../../../alert/host.ts';
import { createPipeline } from '../../../alert/pipeline.ts';
import { SCHEMA } from '../../../app/wire.ts';
import type { Rule } from '../../../core/config/config.ts';
import type { Mark } from '../../../core/incident/mark.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { limitsByHost } from '../../../detector/fold/marks.ts';
import { DETECTORS } from '../../../detector/index.ts';
import { readRecording } from '../../../qa/lab/recording.ts';
import { isDrawn } from '../../../review/record/incident-record.ts';
import { type HostReview, reviewSides } from '../../../review/review.ts';
import { canShare, NotShareable, type ThreadSettings, Threads } from '../../../review/threads/threads.ts';
import { container, frame, rules, window } from '../../detector/data/frames.ts';
import { randomFrames } from '../../detector/data/random-frames.ts';

/** All kinds of scopes that can be shared, judging soon; a side that minds absence, and one that does not. */
const SHARED = [
  { use: 'threshold', name: 'limit', above: '20kB/s', for: '5s' },
  { use: 'rolling-zscore', name: 'score', warm_up: '20s', min_samples: 4 },
  { use: 'new-peer', name: 'new-peer', learn: '1m', warm_up: '10s', volume: '100KiB' },
  { use: 'scan', name: 'scan', failed: 3, silent: 3, opened: 5, warm_up: '10s' },
  { use: 'beacon', name: 'beacon', beats: 5, learn: '10s', relearn: '1m' },
  { use: 'siblings', name: 'siblings', warm_up: '1m' },
  { use: 'gone', name: 'gone' },
];
const EXPECTED = { use: 'threshold', name: 'there', above: '1MB/s', match: { service: ['s0', 's1'] } };
const SIDES = [rules([...SHARED, EXPECTED]), rules(SHARED.slice(0, 3))];

const STRICT = [{ use: 'auto', sensitivity: '1 false alert per container per year' }];

/** What is said of the limit of one service is heard by whoever judges that service. */
const MARKS: readonly Mark[] = ['s0', 's1'].map((service, i) => ({
  ...{ incident: `of ${service}`, host: 'host-a', service, container: '', start: 0, kind: 'expected' },
  ...{ by: 'anna', note: '', at: 1_700_000_000_000, from: 1_700_000_060_000, seq: i + 1 },
  spoke: [{ rule: 'limit', service, direction: 'send', metric: 'bytes', view: null, score: 2 + i }],
}));

const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };

const foldOf = (list: readonly Rule[]) =>
  createHostFold({
    fold: createFold({ rules: list, detectors: DETECTORS }),
    pipeline: createPipeline({
      alert: { resolve_after: 20_000, critical_score: 3 },
      receivers: ['chat'],
      detections: false,
    }),
  });

/** Frames of several hosts, one after the other. */
const storeOf = (hosts: Readonly<Record<string, readonly Frame[]>>) => ({
  hosts: async () => Object.keys(hosts),
  firstFrame: async (host: string) => hosts[host]?.[0]?.start ?? null,
  async *readFrames(host: string, { from, to }: { from: number; to: number }): AsyncIterable<Frame> {
    for (const one of hosts[host] ?? []) if (one.start >= from && one.start < to) yield one;
  },
});

/** What goes further of what a frame brought. */
interface Heard {
  readonly start: number;
  readonly output: ReturnType<typeof furtherOf> | null;
}

const furtherOf = ({ verdicts, incidents, annotations, notifications, stopped }: HostOutput) => ({
  verdicts: verdicts.filter(one => one.kind === 'judged' && (one.score >= 1 || isDrawn(one))),
  ...{ incidents, annotations, notifications, stopped },
});

/** A review by several sides, and all that was heard of each frame. */
async function review(
  hosts: Readonly<Record<string, readonly Frame[]>>,
  sides: readonly (readonly Rule[])[],
  { threads, marks = [] }: { threads?: Threads; marks?: readonly Mark[] } = {},
): Promise<{ reviews: HostReview[][]; heard: Heard[] }> {
  const heard: Heard[] = [];
  const reviews = await reviewSides(
    sides.map(list => ({
      fold: foldOf(list),
      onStep: (one: Frame, output: HostOutput | null) =>
        heard.push({ start: one.start, output: output && furtherOf(output) }),
    })),
    storeOf(hosts),
    ALWAYS,
    { marksOf: limitsByHost(marks), ...(threads ? { threads } : {}) },
  );
  return { reviews, heard };
}

const started: Threads[] = [];
const threadsOf = (settings: Partial<ThreadSettings>): Threads => {
  const threads = new Threads({
    ...{ count: 3, sides: SIDES, marks: [], drawn: true, limits: { batch: 20, alone: 0 } },
    ...settings,
  });
  started.push(threads);
  return threads;
};
afterAll(() => Promise.all(started.map(threads => threads.close())));

describe('frames that threads judge', () => {
  it('bring exactly what one thread says of them, whatever comes, goes and is missing', async () => {
    const threads = threadsOf({ marks: MARKS });
    let raised = 0;
    await fc.assert(
      fc.asyncProperty(randomFrames(20), randomFrames(1), async (frames, others) => {
        const hosts = { 'host-a': frames, 'host-b': others.map(one => ({ ...one, host: 'host-b' })) };
        const alone = await review(hosts, SIDES, { marks: MARKS });
        const together = await review(hosts, SIDES, { threads, marks: MARKS });
        expect(together).toEqual(alone);
        if (alone.reviews.flat().some(({ incidents }) => incidents.length > 0)) raised++;
      }),
      { numRuns: 15 },
    );
    // Else nothing was tested.
    expect(raised).toBeGreaterThan(3);
  });

  it('are judged alone at first, and go on by what was learnt in them', async () => {
    const frames = readRecording(join(import.meta.dirname, '../../../qa/lab/fixtures')).frames.slice(0, 400);
    const own = SCHEMA.parse({}).detectors;
    const strict = SCHEMA.parse({ detectors: STRICT }).detectors;
    const host = frames[0]?.host ?? '';
    const alone = await review({ [host]: frames }, [own, strict]);
    const threads = threadsOf({ count: 2, sides: [own, strict], limits: { batch: 100, alone: 1000 } });
    expect(await review({ [host]: frames }, [own, strict], { threads })).toEqual(alone);
    expect(alone.reviews[0]?.[0]?.incidents.length).toBeGreaterThan(0);
  });

  it('are left to one thread when a detector fails: what it leaves behind only that one can tell', async () => {
    const broken = container('a', { id: undefined as unknown as string });
    const frames = [frame(0, [container('a')], []), frame(1, [broken], [window('a', 'send', 1, 100)])];
    const sides = [rules([{ use: 'dynamic-threshold', name: 'traffic' }])];
    await expect(review({ 'host-a': frames }, sides, { threads: threadsOf({ sides }) })).rejects.toThrow(
      NotShareable,
    );
    const { reviews } = await review({ 'host-a': frames }, sides);
    expect(reviews[0]?.[0]?.blind).toHaveLength(1);
  });

  it('are left to one thread when there are more memories than are kept', async () => {
    const many = Array.from({ length: 5100 }, (_, i) => container(`c${i}`, { service: `s${i % 7}` }));
    // Each has a list of slots besides: those of two generations are more than are kept.
    const next = many.map(one => ({ ...one, service: `t${one.service}` }));
    const sides = [rules([{ use: 'threshold', name: 'limit', above: '1MB/s' }])];
    const frames = [frame(0, many, []), frame(1, next, [])];
    await expect(review({ 'host-a': frames }, sides, { threads: threadsOf({ sides }) })).rejects.toThrow(
      NotShareable,
    );
  });

  it('end with an error that says so when a thread ends', async () => {
    const [rule] = rules([{ use: 'threshold', name: 'limit', above: '1MB/s' }]) as [Rule];
    const threads = threadsOf({ sides: [[{ ...rule, use: 'no-such-detector' }]] });
    const judged = review({ 'host-a': [frame(0, [container('a')], [])] }, [[rule]], { threads });
    await expect(judged).rejects.toThrow(/a thread that judges frames has ended: .*no-such-detector/);
  });
});

it('rules on the host are for one thread: they look at all containers at once', () => {
  expect(SIDES.every(canShare)).toBe(true);
  expect(canShare(rules([{ use: 'host', name: 'host' }]))).toBe(false);
});
