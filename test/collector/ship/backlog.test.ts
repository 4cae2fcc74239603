import { expect, it } from '@jest/globals';
import { Backlog } from '../../../collector/ship/backlog.ts';

it('gives the oldest and the newest within a number of frames and bytes, but always one', () => {
  const backlog = new Backlog();
  expect(backlog.newest({ frames: 8, bytes: 100 })).toEqual([]);
  for (const [i, bytes] of [30, 40, 50, 200, 20, 70].entries()) backlog.push({ seq: i + 1, start: i, bytes });
  const seqs = (frames: number, bytes: number) =>
    [backlog.newest({ frames, bytes }), backlog.hold({ frames, bytes })].map(some =>
      some.map(({ seq }) => seq),
    );
  expect(seqs(8, 90)).toEqual([
    [5, 6],
    [1, 2],
  ]);
  expect(seqs(1, 90)).toEqual([[6], [1]]);
  expect(seqs(2, 1000)).toEqual([
    [5, 6],
    [1, 2],
  ]);
  expect(seqs(8, 1000)).toEqual([
    [1, 2, 3, 4, 5, 6],
    [1, 2, 3, 4, 5, 6],
  ]);
  expect(seqs(8, 1)).toEqual([[6], [1]]);
});
