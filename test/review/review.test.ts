import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { UTC } from '../../core/time-zone.ts';
import { frameEnd } from '../../core/traffic/frame.ts';
import { reportText } from '../../review/report.ts';
import { type Beginning, reviewStore } from '../../review/review.ts';
import type { Store } from '../../store/contract.ts';
import { ManualClock } from '../parts/clock.ts';
import { temporaryFolder } from '../parts/process.ts';
import { limitFold, openFiles, STORY } from '../worker/fixture.ts';

const FOLD = limitFold(1_000_000);

/** What a worker would have saved after frame `n`. */
function checkpointAfter(n: number): Beginning {
  let state = FOLD.init();
  for (const frame of STORY.slice(0, n + 1)) state = FOLD.step(state, frame).state;
  return { last: STORY[n]?.start ?? 0, data: FOLD.encode(state) };
}

describe('a review of stored history', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let store: Store;
  beforeEach(async () => {
    folder = temporaryFolder();
    ({ store } = openFiles(folder.path, new ManualClock()));
    await store.open();
    await store.writeFrames(STORY);
  });
  afterEach(async () => {
    await store.close();
    folder.remove();
  });

  const rangeFrom = (n: number) => ({
    from: STORY[n]?.start ?? 0,
    to: frameEnd(STORY.at(-1) ?? { start: 0, durationMs: 0 }),
  });

  it.each([1, 5, 6, 7, 8, 12, 20, 25])(
    'from frame %d says the same from a checkpoint as from the beginning',
    async n => {
      const range = rangeFrom(n);
      const whole = await reviewStore(FOLD, store, range);
      const asked: number[] = [];
      const short = await reviewStore(FOLD, store, range, {
        checkpoint: async (_host, before) => {
          asked.push(before);
          return checkpointAfter(n - 1);
        },
      });
      expect(asked).toEqual([range.from]);
      expect(short).toEqual(
        whole.map(review => ({
          ...review,
          folded: STORY.length - n,
          from: STORY[n]?.start,
          checkpoint: STORY[n - 1]?.start,
        })),
      );
      expect(reportText(short, UTC)).toContain('with what was known after the frame of 20');
      expect(reportText(whole, UTC)).not.toContain('with what was known');
    },
  );

  it('says which range it looked at, and what of it nobody watched', async () => {
    const [first, last] = [STORY[0]?.start ?? 0, STORY.at(-1)?.start ?? 0];
    const range = { from: first - 3_600_000, to: last + 7_200_000 };
    const text = reportText(await reviewStore(FOLD, store, range), UTC, range);
    expect(text).toContain(`range from ${UTC.text(range.from)} to ${UTC.text(range.to)}`);
    expect(text).toContain(`not watched ${UTC.text(range.from)} for 1h: nothing can be said about it`);
    expect(text).toMatch(/not watched .* for 1h59m.*: nothing can be said about it/);
    const whole = { from: first, to: last };
    expect(reportText(await reviewStore(FOLD, store, whole), UTC, whole)).not.toContain('not watched');
  });

  it('folds from the oldest frame where there is no checkpoint', async () => {
    const [review] = await reviewStore(FOLD, store, rangeFrom(10), { checkpoint: async () => null });
    expect(review).toMatchObject({ folded: STORY.length, from: STORY[0]?.start, checkpoint: null });
  });

  it('skips a frame that a detector fails on, as live workers do, and says that it is blind there', async () => {
    const failing = {
      ...FOLD,
      step: (state: never, frame: (typeof STORY)[number]) => {
        if (frame.start === STORY[2]?.start) throw new Error('no idea');
        return FOLD.step(state, frame);
      },
    } as typeof FOLD;
    const [whole] = await reviewStore(FOLD, store, rangeFrom(0));
    const [review] = await reviewStore(failing, store, rangeFrom(0));
    expect(review?.incidents).toEqual(whole?.incidents);
    expect(whole?.blind).toEqual([]);
    expect(review?.blind).toEqual([{ from: STORY[2]?.start, to: STORY[3]?.start }]);
  });
});
