import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { startDocker } from '../parts/docker.ts';
import { describeWith } from '../parts/need.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { tidegauge, writeConfig } from '../parts/tidegauge.ts';

/** Of a demonstration of 80 s, which count from its first stored frame: a busy machine is long in coming to that. */
const LONGEST_MS = 300_000;

/** What the README promises a newcomer. */
describeWith(['ebpf', 'docker'], 'first steps', () => {
  it.each(['containers', 'cgroups'])(
    'demo, in %s: the alert appears with its evidence, and nothing is left',
    async kind => {
      const folder = temporaryFolder();
      const docker = kind === 'containers' ? await startDocker() : null;
      writeConfig(folder.path, { capture: { docker: docker?.socket ?? 'off' } });
      const demo = tidegauge(['demo', '--for', '80s'], { cwd: folder.path });
      try {
        await demo.ended(0, LONGEST_MS);
        const name = kind === 'containers' ? 'shop-db' : `/tidegauge-demo-${demo.process.pid}/shop-db`;
        const incidents = demo.output
          .split('\n')
          .filter(line =>
            /^((RESOLVED|ENDED): )?(INFO|WARNING|CRITICAL) (shop-|\/tidegauge-demo)/.test(line),
          );
        // When it opens, when it becomes worse, and when it is over; another demonstration on this machine has its own.
        const told = incidents.filter(line => line.includes(` ${name}: `)).map(line => line.split(' ')[0]);
        expect(told.at(-1)).toBe('RESOLVED:');
        expect(told.length).toBe(new Set(told).size);
        expect(incidents.filter(line => !line.includes('shop-db'))).toEqual([]);
        expect(demo.output).toMatch(/bytes: \S*shop-db send bytes: [\d.]+ MiB\/s, expected/);
        expect(demo.output).toMatch(/what it made is removed/);
        if (docker) expect(docker.docker('ps', '-aq')).toBe('');
      } finally {
        await demo.stop('SIGTERM');
        await docker?.stop();
        folder.remove();
      }
    },
    LONGEST_MS + 60_000,
  );

  it('npm start: traffic of this host, then an orderly end', async () => {
    const folder = temporaryFolder();
    const env = {
      ...process.env,
      TIDEGAUGE_DATA: join(folder.path, 'data'),
      TIDEGAUGE_CAPTURE_INTERVAL: '500ms',
      NODE_OPTIONS: '',
    };
    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    const npm = spawn('npm', ['start'], { cwd, env, detached: true });
    let output = '';
    for (const stream of [npm.stdout, npm.stderr]) {
      stream.setEncoding('utf8').on('data', text => {
        output += text;
      });
    }
    // Of all that it started, not only of npm.
    const closed = new Promise(resolve => npm.once('close', resolve));
    const socket = createSocket('udp4');
    const traffic = () => {
      socket.send('hello', 9, '127.0.0.1');
      return /^\S+Z .+ sent .* received /m.test(output);
    };
    try {
      await until('traffic', traffic, 60_000, () => `; npm start has said:\n${output}`);
      for (const word of ['hook: tracepoint', 'store: SQLite', 'containers: '])
        expect(output).toContain(word);
    } finally {
      socket.close();
      process.kill(-(npm.pid ?? 0), 'SIGINT');
      await closed;
      folder.remove();
    }
    // npm itself may end by the signal; what it ran must have ended without a complaint.
    expect(output).not.toMatch(/are lost|error/i);
  });
});
