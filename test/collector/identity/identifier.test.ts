import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { Identifier, type IdentifyOptions } from '../../../collector/identity/identifier.ts';
import { NetworkNamespaces } from '../../../collector/identity/network-namespaces.ts';
import { LIMITS } from '../../../collector/limits.ts';
import { systemClock } from '../../../core/clock.ts';
import type { Container } from '../../../core/traffic/frame.ts';
import { answerAsDocker, type DockerAnswering, type DockerAnswers } from '../../parts/docker-answers.ts';
import { captureFrames, type TestCapture, trafficOf } from '../../parts/kernel/capture.ts';
import { makeCgroup, type TestCgroup } from '../../parts/kernel/cgroup.ts';
import { recordingLog } from '../../parts/log.ts';
import { describeWith } from '../../parts/need.ts';
import { temporaryFolder, until } from '../../parts/process.ts';

const HOUR_MS = 3_600_000;

const SEND = `use Socket; socket(my $s, PF_INET, SOCK_DGRAM, 0) or die;
  send($s, "x", 0, sockaddr_in(9, INADDR_LOOPBACK)) or die;`;

describeWith(['ebpf'], 'identification', () => {
  let running: TestCapture | undefined;
  let docker: DockerAnswering | undefined;
  const cgroups: TestCgroup[] = [];
  afterEach(async () => {
    await running?.capture.stop();
    docker?.stop();
    for (const one of cgroups.splice(0)) await one.remove();
  });

  /** A cgroup that looks like a container of Docker; gives all that it was called. */
  const looksLikeDocker = async (answers: (id: string) => DockerAnswers, clock = systemClock) => {
    const id = randomBytes(32).toString('hex');
    docker = answerAsDocker(answers(id));
    running = await captureFrames({ docker: docker.socket }, { clock });
    const { capture, frames } = running;
    await until('Docker', () => capture.status().docker === true);
    const cgroup = await makeCgroup(`docker/${id}`);
    cgroups.push(cgroup);
    await cgroup.perl(SEND);
    const named = () =>
      frames.flatMap(frame => frame.containers).filter((container: Container) => container.id === id);
    await until('its traffic', () => named().some(one => trafficOf(frames, one.name, 'send').messages === 1));
    return { id, names: [...new Set(named().map(container => container.name))], running };
  };
  const isInspect = (url: string) => /^\/containers\/[0-9a-f]{64}\//.test(url);

  it('holds a frame until Docker has answered', async () => {
    // However slow this machine is: the longest wait is as long as Docker takes.
    const patient = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) =>
        systemClock.sleep(ms === LIMITS.identifyMs ? HOUR_MS : ms, signal),
    };
    // Longer than an interval.
    const before = (url: string) => (isInspect(url) ? systemClock.sleep(300) : Promise.resolve());
    const inspect = (id: string) => ({ Id: id, Name: '/slow', Config: { Image: 'i', Labels: null } });
    const { names } = await looksLikeDocker(id => ({ list: [], inspect: inspect(id), before }), patient);
    expect(names).toEqual(['slow']);
  });

  it('waits but once for a Docker that does not answer', async () => {
    const { id, names, running } = await looksLikeDocker(() => ({ list: [], hangs: isInspect }));
    expect(names).toEqual([`docker:${id.slice(0, 12)}`]);
    const before = running.frames.length;
    await running.settled();
    await until('frames as ever', () => running.frames.length >= before + 3);
    expect(docker?.requests.filter(url => url.startsWith(`/containers/${id}`))).toHaveLength(1);
  });

  it('misses no cgroup that is made while the probes attach', async () => {
    let done = false;
    const making = (async () => {
      while (!done) {
        cgroups.push(await makeCgroup(`tidegauge-attach-${process.pid}-${cgroups.length}`));
        // More and more seldom: a few hundred of them, however long that takes.
        await new Promise(resolve => setTimeout(resolve, cgroups.length));
      }
    })();
    running = await captureFrames();
    done = true;
    await making;
    expect(cgroups.length).toBeGreaterThan(20);
    const visitor = await makeCgroup(`tidegauge-visitor-${process.pid}`);
    const folders = cgroups.map(one => one.folder);
    await visitor.perl(`for (${folders.map(folder => `'${folder}'`).join(',')}) {
      open(my $f, '>', "$_/cgroup.procs") or die; print $f $$; close($f) or die; ${SEND} }`);
    cgroups.push(visitor);
    await running.settled();
    const { frames } = running;
    const unknown = cgroups.slice(0, -1).filter(one => trafficOf(frames, one.path, 'send').messages !== 1);
    expect(unknown.map(one => one.path)).toEqual([]);
  });
});

it('says once that networks cannot be read, however often they are asked for', async () => {
  const folder = temporaryFolder();
  // A directory where a file should be: an error that is not "gone".
  mkdirSync(join(folder.path, 'web', 'cgroup.procs'), { recursive: true });
  const { log, lines } = recordingLog();
  const identifier = new Identifier({
    docker: 'off',
    mount: folder.path,
    clock: systemClock,
    log,
    networkOfProcess: pid => new NetworkNamespaces().ofProcess(pid),
    boot: () => 0,
    feed: () => undefined,
    undescribed: () => [],
    unresolved: () => [{ cgroup: '1', path: 'web', urgent: true }],
  });
  for (let frame = 0; frame < 3; frame++) await identifier.settle();
  await identifier.stop();
  folder.remove();
  expect(lines.map(({ level, message }) => [level, message])).toEqual([
    ['warn', 'network: not read; some peers on the map may have no name'],
    ['debug', 'network: not read; some peers on the map may have no name'],
    ['debug', 'network: not read; some peers on the map may have no name'],
  ]);
});

it('takes the network of the host for that of a cgroup only when its processes stay there', async () => {
  const folder = temporaryFolder();
  const host = { netns: 1, addresses: ['10.0.0.1'] };
  const own = { netns: 2, addresses: ['10.0.0.2'] };
  const cgroups = ['enters', 'stays'];
  for (const [n, name] of cgroups.entries()) {
    mkdirSync(join(folder.path, name));
    writeFileSync(join(folder.path, name, 'cgroup.procs'), `${100 + n}\n`);
  }
  const found: Record<string, unknown[]> = { enters: [], stays: [] };
  let frame = 0;
  const identifier = new Identifier({
    ...{ docker: 'off', mount: folder.path, clock: systemClock, log: recordingLog().log, boot: () => 0 },
    networkOfProcess: async pid => (pid === '100' && frame > 0 ? own : host),
    feed: input => {
      if (input.kind === 'networked' && input.cgroup !== null)
        found[input.cgroup]?.push([frame, input.network]);
    },
    undescribed: () => [],
    unresolved: () =>
      cgroups
        .filter(name => found[name]?.length === 0)
        .map(name => ({ cgroup: name, path: name, urgent: false })),
  });
  identifier.follow({ kind: 'begin', ns: 0, probe: 'lhist', intervalMs: 200, mapKeys: 64 });
  for (; frame < 4; frame++) await identifier.settle();
  await identifier.stop();
  folder.remove();
  expect(found).toEqual({ enters: [[1, own]], stays: [[2, host]] });
});

it('says once that processes are hidden, and that there is no tree of cgroups', async () => {
  const { log, lines } = recordingLog();
  const identifier = new Identifier({
    ...{ docker: 'off', mount: null, clock: systemClock, log, boot: () => 0, feed: () => undefined },
    ...{ undescribed: () => [], unresolved: () => [] },
    networkOfProcess: async () => null,
  });
  const begin = { kind: 'begin', ns: 0, probe: 'lhist', intervalMs: 200, mapKeys: 64 } as const;
  identifier.follow(begin);
  identifier.follow(begin);
  await identifier.settle();
  await identifier.stop();
  expect(lines.map(({ message }) => message)).toEqual([
    'the cgroup tree is not there: the traffic of what ran there before this start is counted as `other`; tidegauge doctor says what to do',
  ]);

  const folder = temporaryFolder();
  const hidden = recordingLog();
  const other = new Identifier({
    ...{ docker: 'off', mount: folder.path, clock: systemClock, log: hidden.log, boot: () => 0 },
    ...{ feed: () => undefined, undescribed: () => [], unresolved: () => [] },
    networkOfProcess: async () => null,
  });
  other.follow(begin);
  other.follow(begin);
  await other.settle();
  await other.stop();
  folder.remove();
  expect(hidden.lines.map(({ message }) => message)).toEqual([
    'the processes of others are hidden: some peers on the map may have no name; tidegauge doctor says what to do',
  ]);
});

it('waits for the tree of cgroups to its end, however long that takes', async () => {
  const folder = temporaryFolder();
  for (let n = 0; n < 50; n++) mkdirSync(join(folder.path, `${n}`));
  const fed: Parameters<IdentifyOptions['feed']>[0][] = [];
  const identifier = new Identifier({
    docker: 'off',
    mount: folder.path,
    // Every wait is over at once.
    clock: { ...systemClock, sleep: () => Promise.resolve() },
    log: recordingLog().log,
    networkOfProcess: async () => null,
    boot: () => 0,
    feed: input => void fed.push(input),
    undescribed: () => [],
    unresolved: () => [],
  });
  identifier.follow({ kind: 'begin', ns: 0, probe: 'lhist', intervalMs: 200, mapKeys: 64 });
  await identifier.settle();
  await identifier.stop();
  folder.remove();
  const found = fed.map(input => [input.kind, 'cgroups' in input && input.cgroups.length]);
  expect(found).toEqual([['scanned', 51]]);
});
