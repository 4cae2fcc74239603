#!/usr/bin/env node
// `npm test -- [jest arguments]`: finds out which real parts can be used, runs jest, lists what could not be run.
// With CI=true everything must be run. The last line is `N passed, N failed`, or with `, N skipped`.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
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
function suitesWithoutParts(report) {
  const suites = new Map();
  for (const file of report.testResults) {
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
const file = join(folder, 'report.json');
const code = await runJest(['--json', `--outputFile=${file}`, ...process.argv.slice(2)], {
  ...process.env,
  TIDEGAUGE_MISSING_PARTS: [...missing.keys()].join(','),
  NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`,
});
const report = readReport(file);
rmSync(folder, { recursive: true, force: true });

const suites = suitesWithoutParts(report);
if (suites.size > 0) {
  console.log('\nNot run on this machine:');
  for (const [suite, parts] of suites) console.log(`  ${suite} (needs ${parts.join(', ')})`);
  console.log('because:');
  for (const part of new Set([...suites.values()].flat())) console.log(`  ${part}: ${missing.get(part)}`);
}

// A file that does not even load has no failed tests: it counts as one.
const unloaded = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && !assertionResults.some(t => t.status === 'failed'),
).length;
const failed = report.numFailedTests + unloaded;
const skipped = report.numPendingTests + report.numTodoTests;
const incomplete = process.env.CI === 'true' && skipped > 0;
if (incomplete) console.log('\nCI=true: nothing may be skipped.');
console.log(
  `\n${report.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
);
process.exitCode = incomplete && code === 0 ? 1 : code;
