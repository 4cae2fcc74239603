import { createSocket } from 'node:dgram';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it } from '@jest/globals';
import { readRights } from '../../collector/privsep/rights.ts';
import { describeWith } from '../parts/need.ts';
import { Child, temporaryFolder, until } from '../parts/process.ts';
import { readableProgram } from '../parts/readable.ts';
import { tidegauge, writeConfig } from '../parts/tidegauge.ts';

/** An account that every machine has. */
const USER = 'nobody';
const UID = 65_534;

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);
const statusOf = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'utf8');
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

/** The names of the capabilities in a set do not matter here, their numbers do. */
const numbersOf = (set: bigint): number[] =>
  [...set.toString(2)].reverse().flatMap((bit, number) => (bit === '1' ? [number] : []));

describeWith(['ebpf'], 'a collector with a user', () => {
  let folder = temporaryFolder();
  let child: Child | undefined;
  const program = readableProgram();
  afterAll(() => program.remove());
  const data = () => join(folder.path, 'data');
  beforeEach(() => {
    folder = temporaryFolder();
    chmodSync(folder.path, 0o711);
  });
  afterEach(async () => {
    await child?.stop('SIGKILL');
    folder.remove();
  });

  const run = (...flags: string[]): Child => {
    const settings = { interval: '200ms', docker: 'off' };
    const config = { data: data(), capture: settings, http: { listen: 'off' }, host: 'box' };
    child = tidegauge(['run', '--user', USER, ...flags], {
      cwd: writeConfig(folder.path, config),
      program,
    });
    return child;
  };
  /** The processes of a collector that has stored a frame. */
  const running = async () => {
    const collector = run();
    await collector.until('a frame', output => / (sent|silent|nothing) |capture began/.test(output));
    const pid = collector.process.pid ?? 0;
    const helper = childrenOf(pid).find(one =>
      readFileSync(`/proc/${one}/comm`, 'utf8').startsWith('tidegauge'),
    );
    const [bpftrace] = childrenOf(helper ?? 0);
    if (!helper || !bpftrace) throw new Error('no helper, or no bpftrace');
    return { collector, pid, helper, bpftrace };
  };

  it('has no right of root left in any thread, and leaves the helper few', async () => {
    const { collector, pid, helper, bpftrace } = await running();
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
      expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
      expect(status).toMatch(/^Gid:\t65534\t65534\t65534\t65534$/m);
      expect(status).toMatch(/^Groups:\t65534 $/m);
      expect(readRights(status)).toEqual({ effective: 0n, reserve: 0n, noNewPrivileges: true });
    }
    for (const root of [helper, bpftrace]) {
      expect(statusOf(root)).toMatch(/^Uid:\t0\t/m);
      const { effective, noNewPrivileges } = readRights(statusOf(root));
      expect(noNewPrivileges).toBe(true);
      // SYS_PTRACE, SYS_ADMIN, SYS_RESOURCE, SYSLOG, PERFMON, BPF: the most that any machine needs.
      for (const number of numbersOf(effective)) expect([19, 21, 24, 34, 38, 39]).toContain(number);
    }
    for (const file of readdirSync(data(), { recursive: true, encoding: 'utf8' }))
      expect(statSync(join(data(), file)).uid).toBe(UID);
    await collector.stop('SIGINT');
    await collector.ended(0);
    expect(collector.output).toMatch(/stopped: last interval stored/);
    expect([helper, bpftrace].filter(isAlive)).toEqual([]);
  });

  it('ends with its last interval when the helper is killed, and takes bpftrace along', async () => {
    const { collector, helper, bpftrace } = await running();
    process.kill(helper, 'SIGKILL');
    await collector.ended(1);
    expect(collector.output).toMatch(/incomplete: .*\(detach\)/);
    expect(collector.output).toMatch(
      new RegExp(`privileged helper \\(pid ${helper}\\): it ended unexpectedly: signal SIGKILL`),
    );
    // It has read out and let go of its output; the kernel may still be taking it down.
    await until('the end of bpftrace', () => !isAlive(bpftrace));
  });

  it('takes helper and bpftrace along when it is killed itself', async () => {
    const { collector, helper, bpftrace } = await running();
    await collector.stop('SIGKILL');
    await until('the end of both', () => !isAlive(helper) && !isAlive(bpftrace));
  });

  it('has bpftrace started again when that was killed', async () => {
    const { collector, helper, bpftrace } = await running();
    process.kill(bpftrace, 'SIGKILL');
    await collector.until('a restart', output =>
      /incomplete: .*\(restart\).*incomplete: .*\(attach\)/s.test(output),
    );
    const [again] = childrenOf(helper);
    expect(again).not.toBe(bpftrace);
    await collector.stop('SIGTERM');
    await collector.ended(0);
    expect([helper, again ?? 0].filter(isAlive)).toEqual([]);
  });

  it('leaves the helper alone when all of them are asked to end, as by a terminal or a service manager', async () => {
    const { collector, helper } = await running();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(helper, signal);
    const framesSoFar = () => collector.output.match(/ (sent|silent|nothing) /g)?.length ?? 0;
    const before = framesSoFar();
    const socket = createSocket('udp4');
    const chatter = setInterval(() => socket.send('x', 9, '127.0.0.1'), 50);
    try {
      await collector.until('more frames', () => framesSoFar() > before + 2);
    } finally {
      clearInterval(chatter);
      socket.close();
    }
    expect(isAlive(helper)).toBe(true);
    await collector.stop('SIGTERM');
    await collector.ended(0);
    expect(collector.output).toMatch(/stopped: last interval stored/);
  });

  it.each([
    ['an account that there is not', ['--user', 'no-such-account'], /no-such-account.*useradd --system/],
    ['root', ['--user', 'root'], /collector\.user root: this is root \(user id 0\)/],
    ['no name', ['--user', '-x; id'], /the name of an account/],
  ])('refuses %s', async (_, flags, message) => {
    const collector = run(...flags);
    await collector.ended(2);
    expect(collector.output).toMatch(message);
    expect(existsSync(data())).toBe(false);
  });

  it.each([
    ['the directory', () => chmodSync(data(), 0o700)],
    ['a file in it', () => ownedFile('state.db')],
    ['a segment of the spool', () => ownedFile('spool/0001.seg')],
  ])('says the chown to run when %s is not its own', async (_, prepare) => {
    mkdirSync(data());
    prepare();
    const collector = run();
    await collector.ended(2);
    expect(collector.output).toContain(`Give it to the user: \`chown -R ${USER}: ${data()}\`.`);
    expect(readdirSync(folder.path).sort()).toEqual(['data', 'tidegauge.yaml']);
  });

  it('says that its own files cannot be read where that is so, as in a checkout of root', async () => {
    const [hidden, checkout] = [join(folder.path, 'root'), join(folder.path, 'root/checkout')];
    mkdirSync(checkout, { recursive: true });
    chmodSync(hidden, 0o700);
    writeConfig(folder.path, { data: data(), capture: { docker: 'off' } });
    const script = 'mount --bind "$0" "$1" && exec "$2" "$1/cli/main.ts" run --user nobody';
    const words = ['--mount', 'sh', '-c', script, program.root, checkout, program.node];
    child = new Child('unshare', words, { cwd: folder.path });
    await child.ended(2);
    expect(child.output).toContain(
      `found ${checkout}, which nobody may not read. Move it to where every user may read it`,
    );
  });

  /** Everything is the user's but one file. */
  function ownedFile(name: string): void {
    chownSync(data(), UID, UID);
    mkdirSync(join(data(), 'spool'));
    chownSync(join(data(), 'spool'), UID, UID);
    writeFileSync(join(data(), name), '', { mode: 0o600 });
  }
});
