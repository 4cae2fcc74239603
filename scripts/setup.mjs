#!/usr/bin/env node
// Gets everything in place that `npm start` or `npm test` needs: `node scripts/setup.mjs start|test`.
//
// It runs before anything is installed, under whatever Node the machine has: plain JavaScript, no dependencies.
// What it does is announced in one line before it is done. What it may not do (not root, not Debian) it leaves
// alone: `tidegauge run` and `scripts/test.mjs` explain what is missing then.
import { spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Oldest Node that runs TypeScript sources as they are; the same as "engines" in package.json. */
const OLDEST_NODE = [22, 18];

/** What a purpose needs from the distribution: the command that shows it is there, and its package. */
const PACKAGES = {
  start: [['bpftrace', 'bpftrace']],
  test: [
    ['bpftrace', 'bpftrace'],
    ['redis-server', 'redis-server'],
    ['redis-sentinel', 'redis-sentinel'],
    ['influxd', 'influxdb'],
    ['dockerd', 'docker.io'],
    ['docker-compose', 'docker-compose'],
    ['ip', 'iproute2'],
    ['perl', 'perl'],
    ['cc', 'gcc'],
    ['cc', 'libc6-dev'],
    ['debootstrap', 'debootstrap'],
    ['nft', 'nftables'],
    ['prometheus-alertmanager', 'prometheus-alertmanager'],
    ['promtool', 'prometheus'],
    ['chromium', 'chromium'],
    ['fish', 'fish'],
    ['zsh', 'zsh'],
  ],
};

const say = text => process.stderr.write(`set-up: ${text}\n`);

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY;
}

/** The program that runs now, or null. */
let running = null;

// Whoever ends this process by its pid means what it runs too: nothing goes on alone, and it lives until that has ended.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    if (running === null) process.exit(130);
    running.interrupted = true;
    running.child.kill(signal);
  });

/** Runs a program quietly; its output is shown only when it fails. True: it succeeded. */
async function run(command, args, env = {}) {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const own = { child, interrupted: false };
  running = own;
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => output.push(chunk));
  const { error, status, signal } = await new Promise(resolve => {
    child.once('error', error => resolve({ error }));
    child.once('close', (status, signal) => resolve({ status, signal }));
  });
  running = null;
  if (own.interrupted || signal) process.exit(130);
  if (status === 0) return true;
  say(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : `, exit code ${status}`}`);
  process.stderr.write(Buffer.concat(output));
  return false;
}

/** npm writes its hidden lockfile last, so an interrupted installation does not look finished. */
async function installDependencies() {
  const installed = modified(join(ROOT, 'node_modules/.package-lock.json'));
  if (installed >= modified(join(ROOT, 'package-lock.json'))) return;
  say('installing the dependencies of package-lock.json into node_modules (npm ci)');
  const flags = ['--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  if (!(await run('npm', ['ci', ...flags, '--loglevel=error']))) process.exit(1);
}

/** npm scripts prefer node_modules/.bin, where a suitable Node is on Linux; elsewhere the machine's own must do. */
function checkNode() {
  const bundled = existsSync(join(ROOT, 'node_modules/.bin/node'));
  const [major, minor] = process.versions.node.split('.').map(Number);
  const suits = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  if (bundled || suits) return;
  say(`tidegauge needs Node >= ${OLDEST_NODE.join('.')}, found ${process.version}: install a newer Node`);
  process.exit(2);
}

/** The kernel's tracepoints are read through tracefs; minimal systems do not mount it. */
async function mountTracefs() {
  const folder = '/sys/kernel/tracing';
  if (existsSync(join(folder, 'events')) || !existsSync(folder)) return;
  say(`mounting tracefs at ${folder}`);
  await run('mount', ['-t', 'tracefs', 'tracefs', folder]);
}

/** True when PATH, or where Debian keeps daemons, has the program. */
function has(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function installPackages(purpose) {
  const missing = PACKAGES[purpose].filter(([program]) => !has(program)).map(([, name]) => name);
  if (missing.length === 0 || !existsSync('/etc/debian_version') || !has('apt-get')) return;
  say(
    `installing ${missing.join(', ')} with apt-get, without starting services (this can take a few minutes)`,
  );
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const wait = ['-o', 'DPkg::Lock::Timeout=120'];
  await withoutServices(async () => {
    // A failed update (one mirror away) is no reason not to try: the lists at hand may do.
    await run('apt-get', ['update', '-qq', ...wait], env);
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...wait, ...missing], env);
  });
}

/** A second, newer bpftrace for the tests, in a folder of its own; scripts/newer-bpftrace.sh runs it. */
async function unpackNewerBpftrace() {
  const folder = join(ROOT, '.cache/trixie');
  if (existsSync(folder) || !existsSync('/etc/debian_version') || !has('debootstrap')) return;
  say('unpacking bpftrace of Debian 13 into .cache/trixie with debootstrap (half a minute)');
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const options = ['--variant=minbase', '--include=bpftrace'];
  if (await run('debootstrap', [...options, 'trixie', unfinished])) renameSync(unfinished, folder);
}

/**
 * Debian starts a daemon when its package is installed; tests start their own on free ports instead. The policy
 * file is Debian's documented way to say so. One that exists already is the administrator's and stays as it is.
 */
async function withoutServices(action) {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return action();
  process.once('exit', () => rmSync(policy, { force: true }));
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
  await action();
}

const purpose = process.argv[2];
if (!Object.hasOwn(PACKAGES, purpose ?? '')) {
  process.stderr.write('usage: node scripts/setup.mjs start|test\n');
  process.exit(2);
}
await installDependencies();
checkNode();
if (process.platform === 'linux' && process.getuid() === 0) {
  await mountTracefs();
  await installPackages(purpose);
  if (purpose === 'test') await unpackNewerBpftrace();
}
