import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { Child } from '../parts/process.ts';

const HEAP = fileURLToPath(new URL('../../app/heap.ts', import.meta.url));

/** Makes objects that live for a moment, as frames do, and says how large its heap was at most, bytes. */
const PROGRAM = `
import { getHeapStatistics } from 'node:v8';
let most = 0;
for (let frame = 0; frame < 40; frame++) {
  const windows = Array.from({ length: 100_000 }, (_, i) => ({ i, sizes: [i, i + 1] }));
  most = Math.max(most, getHeapStatistics().total_heap_size, windows.length);
}
console.log(most);`;

async function mostOf(program: string): Promise<number> {
  const child = new Child(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
  });
  await child.ended(0);
  return Number(child.output);
}

it('a heap that is kept small holds much less garbage', async () => {
  const usual = await mostOf(PROGRAM);
  const small = await mostOf(`import { keepHeapSmall } from '${HEAP}'; keepHeapSmall();${PROGRAM}`);
  expect(small).toBeLessThan(usual / 2);
});
