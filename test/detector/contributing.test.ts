import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Child, temporaryFolder } from '../parts/process.ts';

/** The worked example of CONTRIBUTING.md is a detector that compiles and runs: one file and one row. */

const ROOT = resolve(import.meta.dirname, '../..');

function exampleSource(): string {
  const page = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  const block = /<!-- example: detector -->\s*```ts\n(.*?)```\s*<!-- end of example -->/s.exec(page);
  if (!block?.[1]) throw new Error('CONTRIBUTING.md has no example of a detector');
  return block[1];
}

/** Runs the example's examples, then the example as a rule of the configuration through the fold. */
const PROGRAM = `
import { record } from './detector/record.ts';
import { createFold } from '${ROOT}/detector/fold/fold.ts';
import { DETECTORS } from '${ROOT}/detector/index.ts';
import { wrongExamples } from '${ROOT}/test/detector/data/examples.ts';
import { container, frame, rules, window } from '${ROOT}/test/detector/data/frames.ts';

const detectors = [...DETECTORS, record];
const written = [{ use: 'record', name: 'mine', direction: 'send', factor: 3, warm_up: '5s' }];
const fold = createFold({ rules: rules(written, detectors), detectors });
let state = fold.init();
const said = [10, 10, 100].map((n, i) => {
  const result = fold.step(state, frame(i, [container('web')], [window('web', 'send', n, 1000)]));
  state = JSON.parse(JSON.stringify(result.state));
  return result.verdicts;
});
console.log(JSON.stringify({ wrong: wrongExamples(record), said }));
`;

describe('the worked example of a detector', () => {
  const folder = temporaryFolder();

  beforeAll(() => {
    mkdirSync(join(folder.path, 'detector'));
    for (const path of ['core', 'node_modules', 'detector/contract.ts', 'detector/shared']) {
      symlinkSync(join(ROOT, path), join(folder.path, path));
    }
    writeFileSync(join(folder.path, 'package.json'), '{ "type": "module" }');
    writeFileSync(
      join(folder.path, 'tsconfig.json'),
      JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), include: ['detector/record.ts'] }),
    );
    writeFileSync(join(folder.path, 'detector/record.ts'), exampleSource());
    writeFileSync(join(folder.path, 'run.ts'), PROGRAM);
  });
  afterAll(() => folder.remove());

  it('compiles', async () => {
    const tsc = new Child(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder.path]);
    expect([await tsc.exited, tsc.output]).toEqual([0, '']);
  });

  it('does what its examples say, and judges frames as a rule of the configuration', async () => {
    const child = new Child(process.execPath, [join(folder.path, 'run.ts')]);
    expect([await child.exited, child.output]).toEqual([0, expect.stringMatching(/^\{.*\}\n$/)]);
    const { wrong, said } = JSON.parse(child.output);
    expect(wrong).toEqual([]);
    expect(said[0]).toMatchObject([{ rule: 'mine', kind: 'abstained', reason: 'warming up' }]);
    expect(said[1]).toMatchObject([{ kind: 'judged', score: 1 / 3 }]);
    expect(said[2]).toMatchObject([
      { kind: 'judged', evidence: { text: '19.5 KiB/s, expected below 5.9 KiB/s' } },
    ]);
  });
});
