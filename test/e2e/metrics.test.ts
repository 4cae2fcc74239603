import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { makeCgroup, type TestCgroup } from '../parts/kernel/cgroup.ts';
import { describeWith } from '../parts/need.ts';
import { type Child, freePort, temporaryFolder, until } from '../parts/process.ts';
import { tidegauge, writeConfig } from '../parts/tidegauge.ts';

/** Every second a UDP message to itself. */
const BEACON = `
use IO::Socket::INET;
my $s = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1') or die;
my $to = $s->sockname;
while (1) { $s->send('x' x 100, 0, $to); $s->recv(my $b, 200); select(undef, undef, undef, 0.2) }`;

/** The running program, scraped as Prometheus would. */
describeWith(['ebpf'], 'metrics of a running tidegauge', () => {
  const folder = temporaryFolder();
  let port: number;
  let cgroup: TestCgroup;
  let beacon: Child;
  let run: Child;

  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  /** Value of a sample, by its name with labels; undefined when it is not there. */
  async function sample(name: string): Promise<number | undefined> {
    const line = (await get('/metrics')).text.split('\n').find(text => text.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  }
  const config = (name: string, listen: string) =>
    writeConfig(
      folder.path,
      {
        host: 'metrics',
        data: join(folder.path, name),
        capture: { interval: '300ms', docker: 'off' },
        state: { lease: '2s' },
        http: { listen },
      },
      `${name}.yaml`,
    );

  beforeAll(async () => {
    port = await freePort();
    cgroup = await makeCgroup(`tidegauge-metrics-${process.pid}`);
    beacon = cgroup.start('perl', '-e', BEACON);
    config('main', `127.0.0.1:${port}`);
    run = tidegauge(['run', '--config', 'main.yaml'], { cwd: folder.path });
    const isReady = async () => (await get('/readyz').catch(() => null))?.status === 200;
    await run.until('readiness', isReady, 60_000);
  });

  afterAll(async () => {
    await run?.stop('SIGKILL');
    await beacon?.stop('SIGKILL');
    await cgroup?.remove();
    folder.remove();
  });

  it('counts what it does', async () => {
    await until('frames to be folded', async () => Number(await sample('tidegauge_folded_frames_total')) > 3);
    expect(await sample('tidegauge_frames_total')).toBeGreaterThan(3);
    expect(await sample('tidegauge_windows_total{direction="send"}')).toBeGreaterThan(0);
    expect(await sample('tidegauge_lost_events_total')).toBe(0);
    expect(await sample('tidegauge_garbage_lines_total')).toBe(0);
    expect(await sample('tidegauge_dropped_frames_total{reason="bound"}')).toBe(0);
    expect(await sample('tidegauge_shipped_frames_total{to="store"}')).toBeGreaterThan(3);
    expect(await sample('tidegauge_part_up{part="store"}')).toBe(1);
    expect(await sample('tidegauge_part_up{part="spool"}')).toBe(1);
    expect(await sample('tidegauge_spool_damaged_total')).toBe(0);
    expect(await sample('tidegauge_maintenance_owned')).toBe(1);
    expect(await sample('tidegauge_maintenance_failing')).toBe(0);
    expect(await sample('tidegauge_state_up')).toBe(1);
    expect(await sample('tidegauge_lanes_owned')).toBe(8);
    expect(await sample('tidegauge_open_incidents')).toBe(0);
    expect(await sample('tidegauge_map_occupancy_ratio')).toBeGreaterThan(0);
    await until('the fold to keep up', async () => Number(await sample('tidegauge_fold_lag_seconds')) < 5);
    expect(
      await sample('tidegauge_store_duration_seconds_count{operation="frames",outcome="ok"}'),
    ).toBeGreaterThan(3);
    expect(
      await sample('tidegauge_queue_duration_seconds_count{operation="publish",outcome="ok"}'),
    ).toBeGreaterThan(3);
    expect(await sample('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
  });

  it('has names, types and help texts that Prometheus accepts', async () => {
    const { text } = await get('/metrics');
    const families = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({
      name,
      type,
    }));
    expect(families.length).toBeGreaterThan(25);
    for (const { name, type } of families) {
      expect(name).toMatch(/^(tidegauge|process)_[a-z_]+$/);
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      expect(text).toContain(`# HELP ${name} `);
    }
    const check = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    // Optional: Debian's package prometheus has it.
    if (!check.error) expect(check.stdout + check.stderr).toBe('');
  });

  it('refuses to start on an address that another process has', async () => {
    config('second', `127.0.0.1:${port}`);
    const second = tidegauge(['run', '--config', 'second.yaml'], { cwd: folder.path });
    await second.ended(2);
    expect(second.output).toMatch(/http\.listen 127\.0\.0\.1:\d+: the port is in use/);
  });

  it('is not ready when no frames come any more', async () => {
    const { pid: of } = run.process;
    const [pid] = readFileSync(`/proc/${of}/task/${of}/children`, 'utf8').split(' ');
    expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('bpftrace\n');
    process.kill(Number(pid), 'SIGSTOP');
    try {
      await until('capture to be missed', async () => (await get('/readyz')).status === 503);
      expect((await get('/readyz')).text).toMatch(/^capture: no frame for \d+ s$/m);
      expect((await get('/healthz')).status).toBe(200);
    } finally {
      process.kill(Number(pid), 'SIGCONT');
    }
  });
});
