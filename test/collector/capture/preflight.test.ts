import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { checkDocker, checkMachine, checkProcesses } from '../../../collector/capture/preflight.ts';
import { systemClock } from '../../../core/clock.ts';
import type { Config } from '../../../core/config/config.ts';
import { answerAsDocker } from '../../parts/docker-answers.ts';
import { describeWith } from '../../parts/need.ts';
import { temporaryFolder } from '../../parts/process.ts';

const config: Config['capture'] = {
  interval: 5000,
  probe: 'auto',
  hook: 'auto',
  account: 'fast',
  zerocopy: 'auto',
  bpftrace: 'bpftrace',
  map_keys: 65_536,
  docker: 'off',
  pods: 'off',
  labels: [],
  service_ranges: [],
  spool: { size: 1, age: 1, fsync: 'never' },
  pending: 1,
};

const preflight = async (capture: Config['capture']) => [
  ...(await checkMachine(capture)),
  await checkDocker(capture, systemClock),
];

describeWith(['ebpf'], 'preflight', () => {
  it('finds all that is needed here, and says what it found', async () => {
    const checks = await preflight(config);
    expect(checks.filter(check => !check.ok)).toEqual([]);
    expect(checks.map(check => check.name)).toEqual([
      'Linux',
      'root',
      'hook',
      'coverage',
      'bpftrace',
      'cgroup v2',
      'processes',
      'Docker',
    ]);
    for (const check of checks)
      expect(check).toMatchObject({ found: expect.stringMatching(/./), remedy: '' });
  });

  it('says what to do about what is missing', async () => {
    const checks = await preflight({ ...config, bpftrace: '/no/bpftrace', docker: '/no/docker.sock' });
    expect(checks.filter(check => !check.ok)).toEqual([
      {
        name: 'bpftrace',
        ok: false,
        required: true,
        found: 'no /no/bpftrace',
        remedy: expect.stringMatching(/Install/),
      },
      {
        name: 'Docker',
        ok: false,
        required: false,
        found: expect.stringMatching(/ENOENT/),
        remedy: expect.any(String),
      },
    ]);
  });
});

it('names containers whose traffic cannot be told from that of the host', async () => {
  const list = Array.from({ length: 7 }, (_, n) => ({ Id: `${n}`.repeat(64), Names: [`/web-${n}`] }));
  const docker = answerAsDocker({ list, inspect: { Version: '99.1' } });
  const check = await checkDocker({ ...config, docker: docker.socket }, systemClock);
  docker.stop();
  expect(check).toMatchObject({
    ok: false,
    required: false,
    found: '99.1; without a cgroup v2 of their own: web-0, web-1, web-2, web-3, web-4, and 2 more',
    remedy: expect.stringMatching(/cgroup v2/),
  });
});

it('says when the processes of others are hidden, or closed to this user', async () => {
  const proc = temporaryFolder();
  const remedy = expect.stringMatching(/CAP_SYS_PTRACE.*hidepid=0 \/proc/);
  mkdirSync(join(proc.path, '77'));
  expect(await checkProcesses(proc.path)).toMatchObject({
    ok: false,
    found: 'process 1 is hidden (hidepid)',
    remedy,
  });
  // A file where a folder should be is refused as well.
  for (const id of ['1', '2', '3']) writeFileSync(join(proc.path, id), '');
  expect(await checkProcesses(proc.path)).toMatchObject({
    ok: false,
    found: '1 of 4 can be looked at',
    remedy,
  });
  proc.remove();
});
