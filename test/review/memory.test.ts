import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { formatSize } from '../../core/config/units.ts';
import { Child } from '../parts/process.ts';

const of = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const FRAMES = 12_000;
/** What detectors still learn in that time, and what the engine makes of the code. Frames would take ten times as much. */
const SLACK_BYTES = 3 * 1024 * 1024;

/** Reviews a long history, which is made as it is read, and prints the bytes in use after a quarter and at the end. */
const PROGRAM = `
import { makeFold, SCHEMA } from '${of('app/wire.ts')}';
import { reviewFrames } from '${of('review/review.ts')}';
import { busyParts, frameOf } from '${of('test/data/frames.ts')}';

const used = [];
function measure() {
  gc();
  used.push(process.memoryUsage().heapUsed);
}
async function* history() {
  for (let n = 0; n < ${FRAMES}; n++) {
    // Every frame has objects of its own, as those that are read from a database have.
    yield frameOf('host', n, busyParts(4));
    if (n === ${FRAMES / 4} || n === ${FRAMES - 1}) measure();
  }
}
const { folded } = await reviewFrames(makeFold(SCHEMA.parse({})), history(), { from: 0, to: Number.MAX_SAFE_INTEGER });
console.log(JSON.stringify({ folded, used }));`;

it('a review holds no more of a long history than of a short one', async () => {
  const flags = ['--expose-gc', '--disable-warning=ExperimentalWarning', '--input-type=module'];
  const child = new Child(process.execPath, [...flags, '-e', PROGRAM]);
  await child.ended(0);
  const { folded, used } = JSON.parse(child.output);
  expect(folded).toBe(FRAMES);
  const grown = used[1] - used[0];
  expect(grown < SLACK_BYTES ? 'flat' : formatSize(grown)).toBe('flat');
});
