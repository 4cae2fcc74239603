// Finds out which real parts the tests can use on this machine, by using them: a program that is installed but
// does not start here (no root, no cgroups, a locked kernel) would only make its suites fail.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** How each part (test/parts/need.ts) is tried; null when it works, else why it does not. */
const PROBES = {
  redis: () => succeeds('redis-server', ['--version']),
  'redis-sentinel': () => succeeds('redis-sentinel', ['--version']),
  influx: () => succeeds('influxd', ['version']),
  docker: dockerStarts,
  'docker-compose': () => succeeds('docker-compose', ['version']),
  ebpf: probeAttaches,
  'newer-bpftrace': () =>
    succeeds(fileURLToPath(new URL('newer-bpftrace.sh', import.meta.url)), ['--version']),
  cc: () => succeeds('cc', ['--version']),
  chromium: () => succeeds('chromium', ['--version']),
  fish: () => succeeds('fish', ['--version']),
  zsh: () => succeeds('zsh', ['--version']),
  prometheus: () => succeeds('prometheus', ['--version']),
  alertmanager: () => succeeds('prometheus-alertmanager', ['--version']),
};

/** Part -> why it cannot be used. Parts named in TIDEGAUGE_MISSING_PARTS are left out unasked. */
export async function findMissingParts() {
  const excluded = (process.env.TIDEGAUGE_MISSING_PARTS ?? '').split(',');
  const reasons = await Promise.all(
    Object.entries(PROBES).map(async ([part, probe]) => [
      part,
      excluded.includes(part) ? 'left out by TIDEGAUGE_MISSING_PARTS' : await probe(),
    ]),
  );
  return new Map(reasons.filter(([, reason]) => reason !== null));
}

/** Runs a program to its end; null when it succeeds within 20 s, else one line that says why not. */
function succeeds(command, args) {
  return new Promise(resolve => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 20_000 });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text;
    });
    child.once('error', error =>
      resolve(error.code === 'ENOENT' ? `${command} is not installed` : error.message),
    );
    child.once('close', (code, signal) => {
      const line = stderr.trim().split('\n').at(-1);
      resolve(code === 0 ? null : `${command} ended with ${signal ?? code}${line ? `: ${line}` : ''}`);
    });
  });
}

const isRoot = () => process.platform === 'linux' && process.getuid() === 0;

/** Attaches for real to the tracepoint that tidegauge counts at. */
async function probeAttaches() {
  if (!isRoot()) return 'capturing needs Linux and root';
  if (!existsSync('/sys/kernel/tracing/events')) return 'tracefs is not mounted at /sys/kernel/tracing';
  return succeeds('bpftrace', ['-e', 'tracepoint:sock:sock_send_length { @ = 1; } BEGIN { exit(); }']);
}

/** Starts a Docker Engine of its own, without network and image store, until it answers. */
async function dockerStarts() {
  if (!isRoot()) return 'a Docker Engine of our own needs Linux and root';
  const folder = mkdtempSync(join(tmpdir(), 'tidegauge-docker-'));
  const socket = join(folder, 'docker.sock');
  const flags = ['--iptables=false', '--bridge=none', '--host', `unix://${socket}`];
  for (const option of ['data-root', 'exec-root', 'pidfile']) flags.push(`--${option}`, join(folder, option));
  const engine = spawn('dockerd', flags, { stdio: 'ignore' });
  let ended = null;
  const exited = new Promise(resolve => {
    engine.once('error', error =>
      resolve(error.code === 'ENOENT' ? 'dockerd is not installed' : error.message),
    );
    engine.once('exit', code => resolve(`dockerd ended with ${code}`));
  }).then(reason => {
    ended = reason;
  });
  for (let tries = 0; tries < 200 && ended === null && !(await answers(socket)); tries++) await delay(100);
  const reason = ended ?? ((await answers(socket)) ? null : 'dockerd did not answer within 20 s');
  engine.kill();
  await exited;
  rmSync(folder, { recursive: true, force: true });
  return reason;
}

function answers(socket) {
  return new Promise(resolve => {
    const ping = request({ socketPath: socket, path: '/_ping' }, response => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.once('error', () => resolve(false));
    ping.end();
  });
}
