import { expect, it } from '@jest/globals';
import { ENDING_MS, Ending } from '../../app/ending.ts';
import { ManualClock } from '../parts/clock.ts';

const never = () => new Promise<never>(() => undefined);
const left = (what: string) => (why: string) => `${what}: ${why}`;

it('an end leaves what does not answer in its time, says so, and goes on', async () => {
  const clock = new ManualClock();
  const ending = new Ending(clock);
  const first = ending.step(1000, never, left('frames'));
  expect(clock.sleeping).toBe(1);
  clock.advance(1000);
  await first;
  let done = false;
  await ending.step(
    2000,
    async () => {
      done = true;
    },
    left('nothing'),
  );
  expect(done).toBe(true);
  const last = ending.step(ENDING_MS, never, left('lanes'));
  clock.advance(ENDING_MS - 1001);
  expect(clock.sleeping).toBe(1);
  clock.advance(1);
  await last;
  expect(ending.undone).toEqual(['frames: no answer in time', 'lanes: no answer in time']);
});

it('a step that fails is left with its reason, or without a word where it means nothing', async () => {
  const ending = new Ending(new ManualClock());
  const fail = async () => {
    throw new Error('refused');
  };
  await ending.step(1000, fail, left('lanes'));
  await ending.step(1000, fail, () => null);
  expect(ending.undone).toEqual(['lanes: refused']);
});

it('a step whose time is over before it begins is tried all the same', async () => {
  const clock = new ManualClock();
  const ending = new Ending(clock);
  clock.advance(60_000);
  await ending.step(1000, async () => undefined, left('nothing'));
  expect(ending.undone).toEqual([]);
});
