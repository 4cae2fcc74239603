#!/usr/bin/env node
// `npm test -- [jest arguments]`: finds out which real parts can be used, runs jest, lists what could not be run.
// With CI=true everything must be run, and a few files that failed are run once more. The last line is `N passed, N failed`, or with `, N skipped`.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findMissingParts } from './parts.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = join(ROOT, 'node_modules/.bin');

/** So many files that failed are run once more, at most. */
const MAX_AGAIN = 3;

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

/** Files with a failure, below the project's folder. */
function failedFiles(reports) {
  const results = reports.flatMap(({ testResults }) => testResults);
  return results.filter(({ status }) => status === 'failed').map(({ name }) => relative(ROOT, name));
}

/** Takes the results of `names` out of a report: another one has them. */
function withoutFiles(report, names) {
  const [gone, kept] = [true, false].map(isGone =>
    report.testResults.filter(({ name }) => names.has(name) === isGone),
  );
  const count = status => gone.flatMap(each => each.assertionResults).filter(t => t.status === status).length;
  report.testResults = kept;
  report.numPassedTests -= count('passed');
  report.numFailedTests -= count('failed');
  report.numPendingTests -= count('pending');
  report.numTodoTests -= count('todo');
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
const reports = [];
/** Runs jest and keeps its report; its exit code. */
async function run(args) {
  const file = join(folder, `${reports.length}.json`);
  const status = await runJest(['--json', `--outputFile=${file}`, ...args], env);
  reports.push(readReport(file));
  return status;
}

const codes = [];
for (const args of runs) codes.push(await run(args));

// More than a few, or jest ending before its report, is no matter of chance.
const unstable = failedFiles(reports);
const isExplained = codes.every((each, i) => each === 0 || failedFiles([reports[i]]).length > 0);
const isTried =
  process.env.CI === 'true' && isExplained && unstable.length > 0 && unstable.length <= MAX_AGAIN;
let code = Math.max(0, ...codes);
if (isTried) {
  console.log(
    `\nFailed, and run once more by themselves:\n${unstable.map(name => `  ${name}`).join('\n')}\n`,
  );
  const config = given.includes('--config') ? given : [];
  code = await run([...config, '--runInBand', '--runTestsByPath', ...unstable.map(name => join(ROOT, name))]);
  const again = new Set(reports.at(-1).testResults.map(({ name }) => name));
  for (const report of reports.slice(0, -1)) withoutFiles(report, again);
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

const passedAgain = unstable.filter(name => !failedFiles(reports).includes(name));
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
