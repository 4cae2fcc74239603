import { expect, it } from '@jest/globals';
import { createHostFold } from '../../../alert/host.ts';
import { createPipeline } from '../../../alert/pipeline.ts';
import { LearningWatch } from '../../../app/watch/learning-watch.ts';
import { learnedAtByContainer } from '../../../core/incident/learning.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { DETECTORS } from '../../../detector/index.ts';
import { container, frame, rules, window } from '../../detector/data/frames.ts';
import { ManualClock } from '../../parts/clock.ts';

const RULES = rules([
  { use: 'rolling-zscore', name: 'bytes', warm_up: '1m' },
  { use: 'siblings', name: 'siblings' },
  { use: 'threshold', name: 'limit', above: '1GiB/s' },
]);
const members = ['web-1', 'web-2', 'web-3'].map(name => container(name, { service: 'web' }));
const all = [...members, container('db')];

it('knows who is still learned in the newest frames, by which rules, and until when', () => {
  const fold = createHostFold({
    fold: createFold({ rules: RULES, detectors: DETECTORS }),
    pipeline: createPipeline({ alert: { resolve_after: 0, critical_score: 3 }, receivers: [] }),
  });
  const first = frame(0, all, []).start;
  const clock = new ManualClock(first + 5000);
  const watch = new LearningWatch(clock);
  const watched = watch.over(fold);
  const names = RULES.map(({ name }) => name);
  expect([watch.of('host-a'), watch.counts(names), watch.until()]).toEqual([null, [], null]);

  let state = fold.init();
  const see = (i: number) => {
    const windows = all.map(({ name }) => window(name, 'receive', 100, 100));
    state = watched.step(state, frame(i, all, windows)).state;
  };
  see(0);
  expect(watch.counts(names)).toEqual([
    ['bytes', 8],
    ['siblings', 1],
    ['limit', 0],
  ]);
  // A rule on their service learns longer than the one on each of them.
  const of = () => learnedAtByContainer(watch.of('host-a') ?? [], all);
  const MINUTE = 60_000;
  expect(Object.fromEntries(of())).toEqual({
    'web-1': first + 15 * MINUTE,
    'web-2': first + 15 * MINUTE,
    'web-3': first + 15 * MINUTE,
    db: first + MINUTE,
  });
  expect(watch.until()).toBe(first + 15 * MINUTE);
  for (let i = 1; i < 12; i++) see(i);
  expect(of().get('db')).toBe(first + MINUTE);
  see(12);
  expect(of().has('db')).toBe(false);
  expect(of().get('web-1')).toBe(first + 15 * MINUTE);
  for (let i = 13; i <= 180; i++) see(i);
  expect([watch.of('host-a'), watch.until()]).toEqual([[], null]);
  clock.advance(3_600_000);
  expect(watch.of('host-a')).toBeNull();
});
