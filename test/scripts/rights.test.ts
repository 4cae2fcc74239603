import { chmodSync, chownSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { chooseHook } from '../../collector/capture/hooks.ts';
import { readRights } from '../../collector/privsep/rights.ts';
import { type DockerServer, startDocker } from '../parts/docker.ts';
import { describeWith } from '../parts/need.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { readableProgram } from '../parts/readable.ts';

const ROOT = join(import.meta.dirname, '../..');

const { services } = parse(readFileSync(join(ROOT, 'compose.yaml'), 'utf8'), {
  merge: true,
}) as {
  services: {
    collector: {
      privileged?: boolean;
      cap_drop: string[];
      cap_add: string[];
      security_opt: string[];
      pid: string;
      environment: Readonly<Record<string, string>>;
    };
  };
};

describeWith(['ebpf', 'docker'], 'the rights that compose.yaml gives the collector', () => {
  let docker: DockerServer;
  const program = readableProgram();
  const { root } = program;
  beforeAll(async () => {
    docker = await startDocker();
  });
  afterAll(async () => {
    await docker.stop();
    program.remove();
  });

  const { privileged, cap_drop, cap_add, security_opt, pid, environment } = services.collector;
  const flags = [
    ...['--cap-drop', ...cap_drop, ...cap_add.flatMap(name => ['--cap-add', name])],
    ...security_opt.flatMap(option => ['--security-opt', option]),
    ...['--pid', pid, '--network', 'none', '-v', '/usr:/usr:ro'],
    ...['-v', '/sys/kernel/tracing:/sys/kernel/tracing', '-v', '/sys/fs/cgroup:/sys/fs/cgroup:ro'],
  ];

  it('are enough to load the probe and to see the networks of others, and not all there are', async () => {
    expect([privileged, cap_drop]).toEqual([undefined, ['ALL']]);
    const { probe, hook, supplements, kernel } = await chooseHook({
      hook: 'auto',
      probe: 'auto',
      zerocopy: 'auto',
    });
    const parameters = {
      intervalMs: 200,
      mapKeys: 1000,
      hook: hook.name,
      supplements: supplements.map(({ name }) => name),
      kernel,
      account: 'exact',
      bpftrace: null,
    } as const;
    const script = `
      readlink("/proc/${process.pid}/ns/net") or die "network: $!"; my ($text) = @ARGV;
      open(my $bpftrace, "-|", "/usr/bin/bpftrace", "-B", "line", "-f", "json", "-e", $text) or die;
      while (<$bpftrace>) { if (/end \\d+/) { print "a readout\\n"; last } }`;
    const command = ['/usr/bin/perl', '-e', script, probe.render(parameters)];
    expect(docker.docker('run', '--rm', ...flags, docker.image, ...command)).toBe('a readout');
  });

  it('are enough to give all of them but the helper up', async () => {
    expect(environment).toMatchObject({
      TIDEGAUGE_COLLECTOR_USER: 'node',
      TIDEGAUGE_COLLECTOR_GROUPS: expect.stringMatching(/^\$\{DOCKER_GID:\?/),
    });
    const folder = temporaryFolder();
    const data = join(folder.path, 'data');
    chmodSync(folder.path, 0o755);
    mkdirSync(data, { mode: 0o700 });
    chownSync(data, 65_534, 65_534);
    const settings = {
      TIDEGAUGE_COLLECTOR_USER: 'nobody',
      TIDEGAUGE_COLLECTOR_GROUPS: '998',
      TIDEGAUGE_CAPTURE_DOCKER: 'off',
      TIDEGAUGE_CAPTURE_INTERVAL: '200ms',
      TIDEGAUGE_DATA: '/data',
    };
    const mounts = [
      ...['-v', `${data}:/data`, '-v', `${root}:/opt/tidegauge:ro`],
      ...['-v', '/etc/passwd:/etc/passwd:ro', '-v', '/etc/group:/etc/group:ro'],
      ...Object.entries(settings).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
    ];
    const node = program.node.replace(root, '/opt/tidegauge');
    const command = [node, '/opt/tidegauge/cli/main.ts', 'run'];
    const id = docker.docker('run', '-d', ...flags, ...mounts, docker.image, ...command);
    const logs = () => docker.docker('logs', id);
    await until(
      'a frame',
      () => / (sent|silent) |capture began/.test(logs()) || !/true/.test(inspect('.State.Running')),
      120_000,
      () => `; it said:\n${logs()}`,
    );
    const pid = Number(inspect('.State.Pid'));
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\t65534\t/m);
    expect(status).toMatch(/^Groups:\t998 65534 $/m);
    expect(readRights(status)).toEqual({ effective: 0n, reserve: 0n, noNewPrivileges: true });
    docker.docker('stop', '-t', '60', id);
    expect(logs()).toContain('stopped: last interval stored');
    expect(inspect('.State.ExitCode')).toBe('0');
    docker.docker('rm', id);
    folder.remove();

    function inspect(what: string): string {
      return docker.docker('inspect', '--format', `{{${what}}}`, id);
    }
  });
});
