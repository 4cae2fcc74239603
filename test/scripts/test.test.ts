import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../parts/process.ts';

const SCRIPT = join(import.meta.dirname, '../../scripts/test.mjs');

const PASSING = "test('adds', () => expect(1 + 1).toBe(2));\n";
const FAILING = "test('adds wrongly', () => expect(1 + 1).toBe(3));\n";
const SKIPPED = "describe.skip('orders (missing: redis)', () => test('keeps them', () => {}));\n";
/** Fails the first time only. */
const ONCE = `const { existsSync, writeFileSync } = require('node:fs');
const file = __filename + '.seen';
test('subtracts', () => {
  const before = existsSync(file);
  writeFileSync(file, '');
  expect(before).toBe(true);
});
`;
const BROKEN = "require('./nowhere.cjs');\n";

describe('scripts/test.mjs', () => {
  let folder = temporaryFolder();
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  /** Runs it over small test files of our own; parts are left out unasked, which is quicker. */
  function run(files: Readonly<Record<string, string>>, ci = false) {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder.path, name), text);
    const config = JSON.stringify({ rootDir: folder.path, testMatch: ['<rootDir>/*.test.cjs'] });
    const { status, stdout } = spawnSync(process.execPath, [SCRIPT, '--config', config], {
      encoding: 'utf8',
      env: {
        ...process.env,
        CI: String(ci),
        NODE_OPTIONS: '',
        TIDEGAUGE_MISSING_PARTS: 'redis,influx,docker,ebpf,chromium',
      },
    });
    return { status, stdout, last: stdout.trimEnd().split('\n').at(-1) };
  }

  it('ends with the counts', () => {
    expect(run({ 'a.test.cjs': PASSING })).toMatchObject({ status: 0, last: '1 passed, 0 failed' });
    expect(run({ 'b.test.cjs': FAILING })).toMatchObject({ status: 1, last: '1 passed, 1 failed' });
  });

  it('counts a file that does not load as a failure', () => {
    const files = { 'a.test.cjs': PASSING, 'b.test.cjs': BROKEN };
    expect(run(files)).toMatchObject({ status: 1, last: '1 passed, 1 failed' });
  });

  it('fails when there is nothing to run', () => {
    expect(run({})).toMatchObject({ status: 1, last: '0 passed, 0 failed' });
  });

  it('lists what could not be run, and why', () => {
    const { status, stdout, last } = run({ 'a.test.cjs': PASSING, 'b.test.cjs': SKIPPED });
    expect(stdout).toContain('b.test.cjs: orders (needs redis)');
    expect(stdout).toContain('redis: left out by TIDEGAUGE_MISSING_PARTS');
    expect({ status, last }).toEqual({ status: 0, last: '1 passed, 0 failed, 1 skipped' });
  });

  it('with CI=true runs a file that failed once more by itself, and says so', () => {
    const files = { 'a.test.cjs': PASSING, 'b.test.cjs': ONCE };
    const { status, stdout, last } = run(files, true);
    expect({ status, last }).toEqual({ status: 0, last: '2 passed, 0 failed' });
    expect(stdout).toMatch(/UNSTABLE, .*:\n {2}\S*b\.test\.cjs\n/);
  });

  it('fails when a file fails both times, or when many fail', () => {
    const failing = (name: string) => [`${name}.test.cjs`, FAILING];
    const both = run({ 'a.test.cjs': PASSING, 'b.test.cjs': FAILING, 'c.test.cjs': ONCE }, true);
    expect(both).toMatchObject({ status: 1, last: '2 passed, 1 failed' });
    const many = run(Object.fromEntries(['d', 'e', 'f'].map(failing)), true);
    expect(many).toMatchObject({ status: 1, last: expect.stringMatching(/ 4 failed$/) });
    expect(many.stdout).not.toContain('once more');
  });

  it('without CI takes a failure for one at once', () => {
    expect(run({ 'b.test.cjs': ONCE })).toMatchObject({ status: 1, last: '0 passed, 1 failed' });
  });

  it('with CI=true lets nothing be skipped', () => {
    const files = { 'a.test.cjs': PASSING, 'b.test.cjs': SKIPPED };
    expect(run(files, true)).toMatchObject({ status: 1, last: '1 passed, 0 failed, 1 skipped' });
  });
});

describe('files that are run once more', () => {
  const report = (...failed: string[]) => ({
    testResults: failed.map(name => ({ name: `/project/${name}`, status: 'failed' })),
  });
  const again = async (...runs: object[]) => {
    // A script of plain JavaScript, as it runs before there is anything to compile it.
    const { filesToRunAgain } = await import(join(SCRIPT, '../again.mjs'));
    return filesToRunAgain(runs, '/project');
  };

  it('are up to three that failed, of all runs', async () => {
    expect(await again({ code: 0, report: report() }, { code: 1, report: report('b') })).toEqual(['b']);
    expect(await again({ code: 1, report: report('a', 'b') }, { code: 1, report: report('c') })).toEqual([
      'a',
      'b',
      'c',
    ]);
    expect(await again({ code: 1, report: report('a', 'b', 'c') }, { code: 1, report: report('d') })).toEqual(
      [],
    );
  });

  it('are none when a run ended before its report: nobody knows what it would have said', async () => {
    expect(await again({ code: 137, report: report() }, { code: 1, report: report('b') })).toEqual([]);
  });
});
