import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { makeFold, makeState, makeStore } from '../../app/wire.ts';
import { load } from '../../cli/context.ts';
import { learningNow, learningText } from '../../cli/rules/learning-now.ts';
import { systemClock } from '../../core/clock.ts';
import type { Config } from '../../core/config/config.ts';
import { UTC } from '../../core/time-zone.ts';
import { busyParts, frameOf } from '../data/frames.ts';
import { recordingLog } from '../parts/log.ts';
import { temporaryFolder } from '../parts/process.ts';
import { writeConfig } from '../parts/tidegauge.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());
const { log } = recordingLog();

const frames = Array.from({ length: 30 }, (_, n) => frameOf('web-1', n, busyParts(1)));
const [first] = frames;
const [web] = busyParts(1).containers;
if (!first || !web) throw new Error('no frames');

/** An installation that has stored all frames and has judged so many of them. */
async function installation(judged: number): Promise<Config> {
  writeConfig(folder.path, { data: folder.path });
  const { config } = load({ config: join(folder.path, 'tidegauge.yaml') });
  const store = makeStore(config, log);
  await store.open();
  await store.writeFrames(frames);
  await store.close();
  const fold = makeFold(config);
  let known = fold.init();
  for (const frame of frames.slice(0, judged)) known = fold.step(known, frame).state;
  const state = makeState(config, systemClock, log);
  await state.open();
  const lease = await state.acquire('lane', 'test', 60_000);
  if (lease === null || judged === 0) throw new Error('no lease');
  const last = frames[judged - 1]?.start ?? 0;
  const { fingerprint } = fold;
  await state.saveCheckpoint(lease, { host: 'web-1', last, fingerprint, data: fold.encode(known) });
  await state.close();
  return config;
}

const text = async (config: Config, now: number) =>
  learningText(await learningNow(config, systemClock, log, 'web-1'), 'traffic', web, { zone: UTC, now });
const newest = first.start + 30 * 5000;

// The container starts with two minutes that nothing is learned in, then fifteen are.
it.each([1, 20, 30])(
  'is told of what was judged up to the newest stored frame, %i frames of it',
  async judged => {
    const config = await installation(judged);
    expect(await text(config, newest)).toBe('until 2023-11-14T22:30:20Z');
  },
);

it('counts the time that is missing while nothing is captured', async () => {
  expect(await text(await installation(30), newest + 3_600_000)).toBe(
    'for another 14m30s, once something is captured again',
  );
});

it('is not known where nothing was judged', async () => {
  writeConfig(folder.path, { data: folder.path });
  const { config } = load({ config: join(folder.path, 'tidegauge.yaml') });
  expect(await text(config, newest)).toBe('not known: nothing was judged with these settings yet');
});
