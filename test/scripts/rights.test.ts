import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { chooseHook } from '../../collector/hooks.ts';
import { type DockerServer, startDocker } from '../parts/docker.ts';
import { describeWith } from '../parts/need.ts';

const { services } = parse(readFileSync(join(import.meta.dirname, '../../compose.yaml'), 'utf8'), {
  merge: true,
}) as {
  services: {
    collector: {
      privileged?: boolean;
      cap_drop: string[];
      cap_add: string[];
      security_opt: string[];
      pid: string;
    };
  };
};

describeWith(['ebpf', 'docker'], 'the rights that compose.yaml gives the collector', () => {
  let docker: DockerServer;
  beforeAll(async () => {
    docker = await startDocker();
  }, 60_000);
  afterAll(() => docker.stop(), 60_000);

  it('are enough to load the probe and to see the networks of others, and not all there are', async () => {
    const { privileged, cap_drop, cap_add, security_opt, pid } = services.collector;
    expect([privileged, cap_drop]).toEqual([undefined, ['ALL']]);
    const { probe, hook, kernel } = await chooseHook({ hook: 'auto', probe: 'auto' });
    const parameters = {
      intervalMs: 200,
      mapKeys: 1000,
      hook: hook.name,
      kernel,
      account: 'exact',
      bpftrace: null,
    } as const;
    const script = `
      readlink("/proc/${process.pid}/ns/net") or die "network: $!"; my ($text) = @ARGV;
      open(my $bpftrace, "-|", "/usr/bin/bpftrace", "-B", "line", "-f", "json", "-e", $text) or die;
      while (<$bpftrace>) { if (/end \\d+/) { print "a readout\\n"; last } }`;
    const flags = [
      ...['--cap-drop', ...cap_drop, ...cap_add.flatMap(name => ['--cap-add', name])],
      ...security_opt.flatMap(option => ['--security-opt', option]),
      ...[
        '--pid',
        pid,
        '--network',
        'none',
        '-v',
        '/usr:/usr:ro',
        '-v',
        '/sys/kernel/tracing:/sys/kernel/tracing',
      ],
    ];
    const command = ['/usr/bin/perl', '-e', script, probe.render(parameters)];
    expect(docker.docker('run', '--rm', ...flags, docker.image, ...command)).toBe('a readout');
  }, 60_000);
});
