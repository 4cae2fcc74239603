#!/usr/bin/env node
// `npm test -- [jest arguments]`: finds out which real parts can be used, runs jest, lists what could not be run.
// With CI=true everything must be run, and a few files that failed are run once more. The last line is
// `N passed, N failed`, or with `, N skipped`.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failedFiles, filesToRunAgain, withoutFiles } from './again.mjs';
import { findMissingParts } from './parts.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = join(ROOT, 'node_modules/.bin');

/** Runs jest on the bundled Node with its output on the terminal; its exit code. */
function runJest(args, env) {
  const node = existsSync(join(BIN, 'node')) ? join(BIN, 'node') : process.execPath;
  const script = join(ROOT, 'node_modules/jest/bin/jest.js');
  const jest = spawn(node, [script, ...args], { cwd: ROOT, env, stdio: 'inherit' });
  // Ctrl-C reaches jest too: this process has to live until jest has stopped the parts it started.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => jest.kill(signal));
  return new Promise((resolve, reject) => {
    jest.once('error', reject);
    jest.once('exit', code => resolve(code ?? 1));
  });
}

/** Jest's report; all zero when jest ended before it could write one. */
function readReport(file) {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };
}

/** Suites that test/parts/need.ts skipped: `file: suite` -> the parts they miss. */
function suitesWithoutParts(testResults) {
  const suites = new Map();
  for (const file of testResults) {
    for (const { ancestorTitles } of file.assertionResults) {
      const missing = /^(.*) \(missing: ([a-z, ]+)\)$/.exec(ancestorTitles[0] ?? '');
      if (missing) suites.set(`${relative(ROOT, file.name)}: ${missing[1]}`, missing[2].split(', '));
    }
  }
  return suites;
}

/** Debian keeps daemons in sbin, which an ordinary user's PATH lacks. */
process.env.PATH = [BIN, process.env.PATH, '/usr/sbin', '/sbin'].join(delimiter);

const missing = await findMissingParts();
const folder = mkdtempSync(join(tmpdir(), 'tidegauge-report-'));
const given = process.argv.slice(2);
// Whole installations are watched one after the other: what a test expects of time must not hang on its neighbours.
const runs =
  given.length > 0 ? [given] : [['--testPathIgnorePatterns=/test/e2e/'], ['--runInBand', 'test/e2e']];
const env = {
  ...process.env,
  TIDEGAUGE_MISSING_PARTS: [...missing.keys()].join(','),
  NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`,
};
let started = 0;
/** Runs jest; its exit code and report. */
async function run(args) {
  const file = join(folder, `${started++}.json`);
  const code = await runJest(['--json', `--outputFile=${file}`, ...args], env);
  return { code, report: readReport(file) };
}

const first = [];
for (const args of runs) first.push(await run(args));
let code = Math.max(...first.map(one => one.code));
let reports = first.map(({ report }) => report);
const unstable = process.env.CI === 'true' ? filesToRunAgain(first, ROOT) : [];
if (unstable.length > 0) {
  console.log(
    `\nFailed, and run once more by themselves:\n${unstable.map(name => `  ${name}`).join('\n')}\n`,
  );
  const config = given.includes('--config') ? given : [];
  const paths = unstable.map(name => join(ROOT, name));
  const second = await run([...config, '--runInBand', '--runTestsByPath', ...paths]);
  code = second.code;
  const again = new Set(second.report.testResults.map(({ name }) => name));
  reports = [...reports.map(report => withoutFiles(report, again)), second.report];
}
const sum = key => reports.reduce((total, report) => total + report[key], 0);
const testResults = reports.flatMap(report => report.testResults);
rmSync(folder, { recursive: true, force: true });

const suites = suitesWithoutParts(testResults);
if (suites.size > 0) {
  console.log('\nNot run on this machine:');
  for (const [suite, parts] of suites) console.log(`  ${suite} (needs ${parts.join(', ')})`);
  console.log('because:');
  for (const part of new Set([...suites.values()].flat())) console.log(`  ${part}: ${missing.get(part)}`);
}

const passedAgain = unstable.filter(name => !failedFiles(reports, ROOT).includes(name));
if (code === 0 && passedAgain.length > 0) {
  console.log(
    '\nUNSTABLE, failed at first and passed by themselves; the first failure, above, is to be mended:',
  );
  for (const name of passedAgain) console.log(`  ${name}`);
}

// A file that does not even load has no failed tests: it counts as one.
const unloaded = testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && !assertionResults.some(t => t.status === 'failed'),
).length;
const failed = sum('numFailedTests') + unloaded;
const skipped = sum('numPendingTests') + sum('numTodoTests');
const incomplete = process.env.CI === 'true' && skipped > 0;
if (incomplete) console.log('\nCI=true: nothing may be skipped.');
console.log(
  `\n${sum('numPassedTests')} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
);
process.exitCode = incomplete && code === 0 ? 1 : code;
