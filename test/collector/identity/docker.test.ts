import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Container, Frame } from '../../../core/traffic/frame.ts';
import { type DockerServer, startDocker } from '../../parts/docker.ts';
import { captureFrames, type TestCapture, trafficOf } from '../../parts/kernel/capture.ts';
import { describeWith } from '../../parts/need.ts';
import { temporaryFolder, until } from '../../parts/process.ts';

/** Perl: `n` UDP messages of 100 bytes over the container's own loopback, then sleep (0: end at once). */
const ping = (n: number, sleep = 600) => `
  use Socket qw(:all); my ($a, $b, $buf);
  socket($_, PF_INET, SOCK_DGRAM, 0) && bind($_, sockaddr_in(0, INADDR_LOOPBACK)) or die for $a, $b;
  connect($a, getsockname($b)) or die;
  for (1..${n}) { send($a, "x" x 100, 0) or die; defined(recv($b, $buf, 999, 0)) or die } sleep ${sleep};`;

const named = (frames: readonly Frame[], name: string): Container | undefined =>
  frames.flatMap(frame => frame.containers).findLast(container => container.name === name);

const count = (frames: readonly Frame[], key: 'started' | 'ended', name: string): number =>
  frames.filter(frame => frame[key].includes(name)).length;

describeWith(['ebpf', 'docker'], 'containers of Docker', () => {
  let docker: DockerServer;
  let running: TestCapture;
  const start = async () => {
    running = await captureFrames({ docker: docker.socket });
    await until('Docker', () => running.capture.status().docker === true);
  };
  beforeAll(async () => {
    docker = await startDocker();
  });
  afterEach(async () => {
    await running.capture.stop();
    const ids = docker.docker('ps', '-aq').split('\n').filter(Boolean);
    if (ids.length > 0) docker.docker('rm', '-f', ...ids);
  });
  afterAll(() => docker.stop());

  it('have their names from the first frame on, compose labels as service and replica', async () => {
    const before = docker.run('before', 'sleep 600');
    await start();
    const labels = {
      'com.docker.compose.project': 'shop',
      'com.docker.compose.service': 'web',
      'com.docker.compose.container-number': '2',
    };
    const id = docker.run('shop-web-2', ping(50), { labels });
    await running.settled();
    const { frames } = running;
    expect(named(frames, 'shop-web-2')).toEqual({
      name: 'shop-web-2',
      kind: 'container',
      service: 'shop/web',
      replica: '2',
      image: docker.image,
      id,
    });
    expect(named(frames, 'before')).toMatchObject({
      service: 'tidegauge-test',
      replica: 'before',
      kind: 'container',
    });
    expect(trafficOf(frames, 'shop-web-2', 'send')).toEqual({ messages: 50, bytes: 5000, sizes: [[64, 50]] });
    expect(count(frames, 'started', 'shop-web-2')).toBe(1);
    expect(count(frames, 'started', 'before')).toBe(0);
    const names = new Set(frames.flatMap(frame => frame.containers.map(container => container.name)));
    for (const one of [id, before]) expect(names).not.toContain(`docker:${one.slice(0, 12)}`);
    expect(names).not.toContain('other');
  });

  it('that are gone before anyone can ask are named all the same', async () => {
    await start();
    docker.run('brief', ping(20, 0), { flags: ['--rm'] });
    await until('its end', () => count(running.frames, 'ended', 'brief') === 1);
    await running.settled();
    expect(trafficOf(running.frames, 'brief', 'receive').messages).toBe(20);
    expect(named(running.frames.slice(-1), 'brief')).toBeUndefined();
  });

  it('keep one name through stop and start, with a new cgroup, and through a redeploy, with a new id', async () => {
    await start();
    docker.run('steady', ping(10));
    await until('traffic', () => trafficOf(running.frames, 'steady', 'send').messages === 10);
    docker.docker('restart', 'steady');
    await until('traffic again', () => trafficOf(running.frames, 'steady', 'send').messages === 20);
    docker.docker('rm', '-f', 'steady');
    const id = docker.run('steady', ping(10));
    await until('traffic of the new one', () => trafficOf(running.frames, 'steady', 'send').messages === 30);
    expect(named(running.frames, 'steady')?.id).toBe(id);
    expect(count(running.frames, 'started', 'steady')).toBe(3);
    expect(count(running.frames, 'ended', 'steady')).toBe(2);
  });

  it('follow a rename', async () => {
    await start();
    docker.run('old-name', 'sleep 600');
    await until('the old name', () => named(running.frames, 'old-name'));
    docker.docker('rename', 'old-name', 'new-name');
    await until('the new name', () => named(running.frames, 'new-name'));
    await running.settled();
    expect(running.frames.at(-1)?.containers.map(container => container.name)).not.toContain('old-name');
  });

  it('are found again after Docker was away', async () => {
    await start();
    await docker.restart();
    docker.run('after', ping(5));
    await until('the name', () => named(running.frames, 'after'));
    expect(running.capture.status().docker).toBe(true);
  });

  it('have an abbreviated id for a name where Docker cannot be reached', async () => {
    const folder = temporaryFolder();
    running = await captureFrames({ docker: `unix://${folder.path}/no.sock` });
    const id = docker.run('nameless', ping(5));
    const name = `docker:${id.slice(0, 12)}`;
    await until('traffic', () => trafficOf(running.frames, name, 'send').messages === 5);
    expect(running.capture.status().docker).toBe(false);
    expect(named(running.frames, name)).toMatchObject({ kind: 'container', service: name, image: '', id });
    folder.remove();
  });
});
