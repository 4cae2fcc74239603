import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { localTracer } from '../../../collector/capture/tracer.ts';
import { systemClock } from '../../../core/clock.ts';
import { type MapEdge, serviceMap } from '../../../core/traffic/service-map.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { type DockerServer, startDocker } from '../../parts/docker.ts';
import { captureConfig, captureFrames, type TestCapture } from '../../parts/kernel/capture.ts';
import { makeCgroup, type TestCgroup } from '../../parts/kernel/cgroup.ts';
import { SOCKETS, tcpClient, tcpServer, udpServer, udpTalk } from '../../parts/kernel/sockets.ts';
import { describeWith } from '../../parts/need.ts';
import { freePort, temporaryFolder, until } from '../../parts/process.ts';

/** Not those of another run on this machine. */
const TAG = process.pid % 250;
const NETWORK = `tidegauge-${process.pid}`;
const SUBNET = `10.79.${TAG}`;
const SUBNET6 = `fd79:${TAG}`;
const GATEWAY = `${SUBNET}.1`;

/** Does nothing of its own. */
const IDLE = '$| = 1; print "ready\\n"; sleep 600';

/** Both of these servers, in one container. */
const both = (one: string, other: string) => `if (fork()) { ${one} } else { ${other} }`;

describeWith(['ebpf', 'docker'], 'containers on a network of Docker', () => {
  let docker: DockerServer;
  let running: TestCapture;
  const cgroups: TestCgroup[] = [];

  beforeAll(async () => {
    docker = await startDocker();
    const subnets = ['--subnet', `${SUBNET}.0/24`, '--ipv6', '--subnet', `${SUBNET6}::/64`];
    docker.docker('network', 'create', ...subnets, NETWORK);
  });
  beforeEach(async () => {
    running = await captureFrames({ probe: 'flows', docker: docker.socket });
    await until('Docker', () => running.capture.status().docker === true);
  });
  afterEach(async () => {
    await running.capture.stop();
    const ids = docker.docker('ps', '-aq').split('\n').filter(Boolean);
    if (ids.length > 0) docker.docker('rm', '-f', ...ids);
    for (const one of cgroups.splice(0)) await one.remove();
  });
  afterAll(async () => {
    docker.docker('network', 'rm', NETWORK);
    await docker.stop();
  });

  /** A container; resolves once it has printed `ready` so often and is in a frame. */
  const start = async (
    name: string,
    script: string,
    ready = 1,
    { network = NETWORK, flags = [] }: { network?: string; flags?: readonly string[] } = {},
  ) => {
    docker.run(name, script, { network, flags });
    await until(`${name} to be ready`, () => {
      const words = docker.docker('logs', name).split('\n');
      return words.filter(word => word === 'ready').length >= ready;
    });
    await until(`the name ${name}`, () => running.frames.at(-1)?.containers.some(one => one.name === name));
    const of = (field: string) =>
      docker.docker(
        'inspect',
        '-f',
        `{{with index .NetworkSettings.Networks "${NETWORK}"}}{{.${field}}}{{end}}`,
        name,
      );
    return { name, address: of('IPAddress'), address6: of('GlobalIPv6Address') };
  };
  const run = (container: string, script: string) =>
    docker.docker('exec', container, '/usr/bin/perl', '-e', script);

  /** The map of all that was captured: edges with one of these at an end, as `from -> to protocol/port`. */
  async function edges(...names: string[]): Promise<Record<string, Partial<MapEdge>>> {
    await running.settled();
    const file = temporaryFolder();
    const store = new SqliteStore(join(file.path, 'map.db'));
    await store.open();
    await store.writeFrames(running.frames);
    const map = serviceMap(await store.readFlows('test', { from: 0, to: Number.POSITIVE_INFINITY }));
    await store.close();
    file.remove();
    const label = (id: string) => id.replace(/^container:/, '');
    const ours = map.edges.filter(edge => [edge.from, edge.to].some(id => names.includes(label(id))));
    return Object.fromEntries(
      ours.map(({ from, to, protocol, port, ...numbers }) => [
        `${label(from)} -> ${label(to)} ${protocol}/${port}`,
        numbers,
      ]),
    );
  }
  const tcp = (times: number, asked: number, answer: number) =>
    expect.objectContaining({
      ...{ connections: times, failures: 0, sentBytes: times * asked, receivedBytes: times * answer },
      sentMessages: times,
    });
  const udp = (times: number, size: number) => ({
    ...{ connections: 0, failures: 0, sentMessages: times, sentBytes: times * size },
    ...{ receivedMessages: times, receivedBytes: times * 30 },
  });

  it('three of them make exactly the edges that they made, with exact bytes', async () => {
    const web = await start('web', both(tcpServer('::', 80, 100, 5000), udpServer('::', 53)), 2);
    const db = await start('db', tcpServer('0.0.0.0', 5432, 30, 700));
    await start('client', IDLE);
    run('client', tcpClient(web.address, 80, 20, 100, 5000));
    run('client', tcpClient(web.address6, 80, 10, 100, 5000));
    run('client', udpTalk(web.address, 53, 30, 70, true));
    run('client', udpTalk(web.address6, 53, 25, 70, false));
    run('web', tcpClient(db.address, 5432, 8, 30, 700));
    expect(await edges('web', 'db', 'client')).toEqual({
      'client -> web tcp/80': tcp(30, 100, 5000),
      'client -> web udp/53': udp(55, 70),
      'web -> db tcp/5432': tcp(8, 30, 700),
    });
  });

  it('and the host: services on both sides, and a published port through its proxy', async () => {
    const port = await freePort();
    const web = await start('web', tcpServer('0.0.0.0', 80, 10, 20), 1, {
      flags: ['-p', `${GATEWAY}:${port}:80`],
    });
    await start('client', IDLE);
    const service = await makeCgroup(`tidegauge-host-${process.pid}`);
    cgroups.push(service);
    const server = service.start('perl', '-e', tcpServer(GATEWAY, 7100, 50, 60));
    await server.until('the service of the host', output => output.includes('ready'));
    run('client', tcpClient(GATEWAY, 7100, 4, 50, 60));
    await service.perl(tcpClient(web.address, 80, 6, 10, 20));
    // In one frame the container could not tell the service from the proxy: both come from the host's address.
    await running.settled();
    run('client', tcpClient(GATEWAY, port, 5, 10, 20));
    const found = await edges('web', 'client', service.path);
    await server.stop('SIGKILL');
    expect(found).toEqual({
      [`client -> ${service.path} tcp/7100`]: tcp(4, 50, 60),
      [`${service.path} -> web tcp/80`]: tcp(6, 10, 20),
      [`client -> ${proxyOf(docker)} tcp/${port}`]: tcp(5, 10, 20),
      [`${proxyOf(docker)} -> web tcp/80`]: tcp(5, 10, 20),
    });
  });

  it('and a published port that the kernel translates: one edge to the container and its own port', async () => {
    const port = await freePort();
    const web = await start('web', tcpServer('0.0.0.0', 80, 10, 20), 1, {
      flags: ['-p', `${GATEWAY}:${port}:80`],
    });
    await start('client', IDLE);
    translate(docker, 'client', `ip daddr ${GATEWAY} tcp dport ${port} dnat to ${web.address}:80`);
    run('client', tcpClient(GATEWAY, port, 7, 10, 20));
    run('client', tcpClient(web.address, 80, 2, 10, 20));
    await running.settled();
    docker.docker('stop', 'web');
    run(
      'client',
      `${SOCKETS} my $s = sock("${GATEWAY}", SOCK_STREAM); connect($s, at("${GATEWAY}", 18082)) and die`,
    );
    expect(await edges('web', 'client')).toEqual({
      'client -> web tcp/80': tcp(9, 10, 20),
      'client -> host tcp/18082': expect.objectContaining({ failures: 1, connections: 0 }),
    });
  });

  it('and another container in the network of one of them: each is drawn as itself, never as its neighbour', async () => {
    const dns = await start('dns', udpServer('0.0.0.0', 53));
    const web = await start('web', both(tcpServer('127.0.0.1', 80, 10, 20), udpServer('127.0.0.1', 80)), 2);
    await start('sidecar', both(tcpServer('0.0.0.0', 81, 10, 20), udpServer('0.0.0.0', 81)), 2, {
      network: 'container:web',
    });
    await start('client', IDLE);
    run('sidecar', tcpClient('127.0.0.1', 80, 3, 10, 20));
    run('sidecar', udpTalk('127.0.0.1', 80, 4, 10, true));
    run('web', tcpClient('127.0.0.1', 81, 5, 10, 20));
    run('client', tcpClient(web.address, 81, 6, 10, 20));
    run('client', udpTalk(web.address, 81, 7, 10, false));
    run('sidecar', udpTalk(dns.address, 53, 8, 10, false));
    expect(await edges('dns', 'web', 'sidecar', 'client')).toEqual({
      'sidecar -> web tcp/80': tcp(3, 10, 20),
      'sidecar -> web udp/80': udp(4, 10),
      'web -> sidecar tcp/81': tcp(5, 10, 20),
      'client -> sidecar tcp/81': tcp(6, 10, 20),
      'client -> sidecar udp/81': udp(7, 10),
      'sidecar -> dns udp/53': udp(8, 10),
    });
  });

  it('and a process of the host that has entered the network of one: it is drawn as itself, or not at all', async () => {
    await start('web', both(tcpServer('127.0.0.1', 80, 10, 20), udpServer('127.0.0.1', 80)), 2);
    const dns = await start('dns', both(tcpServer('0.0.0.0', 53, 10, 20), udpServer('0.0.0.0', 53)), 2);
    const guest = await makeCgroup(`tidegauge-guest-${process.pid}`);
    cgroups.push(guest);
    // It has a network of its own, so that its processes tell nothing of this one.
    const home = guest.start('perl', '-e', IDLE);
    await home.until('the guest', output => output.includes('ready'));
    const pid = docker.docker('inspect', '-f', '{{.State.Pid}}', 'web');
    const enter = async (script: string) => {
      const child = guest.start('nsenter', '-t', pid, '-n', 'perl', '-e', script);
      expect([await child.exited, child.output]).toEqual([0, '']);
    };
    // Datagrams first: nothing but these tells that it is here.
    await enter(udpTalk('127.0.0.1', 80, 3, 10, true));
    await enter(udpTalk(dns.address, 53, 4, 10, false));
    await enter(udpTalk(dns.address, 53, 5, 10, true));
    await running.settled();
    await enter(tcpClient('127.0.0.1', 80, 6, 10, 20));
    await enter(tcpClient(dns.address, 53, 7, 10, 20));
    // A server whose frame is over before its client was seen cannot name it: that edge has no name, and no wrong one.
    const { 'private -> dns tcp/53': _unnamed, ...found } = await edges('web', 'dns', guest.path);
    await home.stop('SIGKILL');
    expect(found).toEqual({
      [`${guest.path} -> web udp/80`]: udp(3, 10),
      [`${guest.path} -> dns udp/53`]: udp(9, 10),
      [`${guest.path} -> web tcp/80`]: tcp(6, 10, 20),
      [`${guest.path} -> dns tcp/53`]: tcp(7, 10, 20),
    });
  });

  it('keep their edges through a rename, under the new name from then on', async () => {
    const web = await start('web', tcpServer('0.0.0.0', 80, 10, 20));
    await start('client', IDLE);
    run('client', tcpClient(web.address, 80, 3, 10, 20));
    await running.settled();
    docker.docker('rename', 'web', 'web-old');
    await until('the new name', () =>
      running.frames.at(-1)?.containers.some(({ name }) => name === 'web-old'),
    );
    run('client', tcpClient(web.address, 80, 4, 10, 20));
    expect(await edges('web', 'web-old', 'client')).toEqual({
      'client -> web tcp/80': tcp(3, 10, 20),
      'client -> web-old tcp/80': tcp(4, 10, 20),
    });
  });

  it('with one address, one after the other at once, never get what the other was sent', async () => {
    const host = `${SUBNET}.50`;
    await start('client', IDLE);
    for (const [name, times] of [
      ['first', 3],
      ['second', 5],
    ] as const) {
      await start(name, tcpServer('0.0.0.0', 80, 10, 20), 1, { flags: ['--ip', host] });
      run('client', tcpClient(host, 80, times, 10, 20));
      docker.docker('rm', '-f', name);
    }
    const found = await edges('first', 'second');
    expect(found).toEqual({
      'client -> first tcp/80': tcp(3, 10, 20),
      'client -> second tcp/80': tcp(5, 10, 20),
    });
  });

  it('are known where no network namespace can be read, and an address leads only to whom it belongs', async () => {
    await running.capture.stop();
    const config = captureConfig({ probe: 'flows', docker: docker.socket });
    const tracer = { ...localTracer(config, systemClock), networkOfProcess: async () => null };
    running = await captureFrames(config, { tracer });
    await until('Docker', () => running.capture.status().docker === true);
    const host = `${SUBNET}.60`;
    await start('client', IDLE);
    const send = (times: number) =>
      `${SOCKETS} my $s = sock("${host}", SOCK_DGRAM);
      for (1..${times}) { send($s, "x" x 9, 0, at("${host}", 9)) or die "send $!" }`;
    await start('first', IDLE, 1, { flags: ['--ip', host] });
    run('client', send(10));
    await running.settled();
    docker.docker('rm', '-f', 'first');
    await start('second', IDLE, 1, { flags: ['--ip', host] });
    for (let frame = 0; frame < 3; frame++) await running.settled();
    run('client', send(7));
    const found = await edges('client');
    expect(found).toMatchObject({
      'client -> first udp/9': { sentMessages: 10 },
      'client -> second udp/9': { sentMessages: 7 },
    });
  });
});

/** The cgroup that a dockerd runs its proxies in: its own. */
function proxyOf(docker: DockerServer): string {
  const cgroups = readFileSync(`/proc/${docker.pid}/cgroup`, 'utf8');
  return /^0::(.*)$/m.exec(cgroups)?.[1] ?? '';
}

/** Translate destinations inside a container, as Docker does on the host where it may: a rule of nftables. */
function translate(docker: DockerServer, container: string, rule: string): void {
  const pid = docker.docker('inspect', '-f', '{{.State.Pid}}', container);
  const chain = '{ type nat hook output priority -100; }';
  const rules = `add table ip t\nadd chain ip t o ${chain}\nadd rule ip t o ${rule}\n`;
  const done = spawnSync('nsenter', ['-t', pid, '-n', 'nft', '-f', '-'], { input: rules, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`nft: ${done.stderr}${done.error ?? ''}`);
}
