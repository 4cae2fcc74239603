import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HOOKS, SUPPLEMENTS } from '../../../bpf/hooks.ts';
import { PROBES } from '../../../bpf/index.ts';
import { chooseHook, type KernelFiles } from '../../../collector/capture/hooks.ts';
import { checkMachine } from '../../../collector/capture/preflight.ts';
import { PARAMETERS } from '../../data/parameters.ts';
import { captureConfig } from '../../parts/kernel/capture.ts';
import { temporaryFolder } from '../../parts/process.ts';

const ANY = { hook: 'auto', probe: 'auto', zerocopy: 'auto' } as const;

describe('the choice of a hook', () => {
  let folder = temporaryFolder();
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  /** A kernel that has everything that any hook needs. */
  function kernel(release: string): KernelFiles {
    const tracefs = join(folder.path, 'tracing');
    const tracepoints = [...HOOKS, ...SUPPLEMENTS, ...PROBES].flatMap(({ tracepoints }) => tracepoints);
    for (const tracepoint of [...tracepoints, 'cgroup/cgroup_mkdir', 'cgroup/cgroup_rmdir']) {
      mkdirSync(join(tracefs, 'events', tracepoint), { recursive: true });
    }
    const names = [...HOOKS, ...SUPPLEMENTS].flatMap(({ functions }) => functions);
    writeFileSync(join(tracefs, 'available_filter_functions'), names.map(name => `${name}\n`).join(''));
    writeFileSync(join(tracefs, 'kprobe_events'), '');
    writeFileSync(join(folder.path, 'kallsyms'), names.map(name => `ffff0000 T ${name}\n`).join(''));
    writeFileSync(join(folder.path, 'vmlinux'), '');
    return {
      release,
      btf: join(folder.path, 'vmlinux'),
      symbols: join(folder.path, 'kallsyms'),
      tracefs: [tracefs],
    };
  }
  const remove = (...path: string[]) => rmSync(join(folder.path, ...path), { recursive: true });

  it('takes tracepoints on a new kernel, fentry on an older one, kprobes where there is no BTF', async () => {
    expect((await chooseHook(ANY, kernel('6.8.0'))).hook.name).toBe('tracepoint');
    const older = await chooseHook(ANY, kernel('5.15.0-91-generic'));
    expect(older).toMatchObject({ hook: { name: 'fentry' }, probe: { name: 'packed' }, kernel: [5, 15] });
    expect(older.refused[0]).toMatchObject({ found: 'Linux 5.15.0-91-generic' });
    const bare = kernel('5.15.0');
    remove('vmlinux');
    expect((await chooseHook(ANY, bare)).hook.name).toBe('kprobe');
  });

  it('takes another hook where functions cannot be traced', async () => {
    const files = kernel('5.15.0');
    writeFileSync(join(folder.path, 'tracing/available_filter_functions'), 'inet_sendmsg\n');
    const choice = await chooseHook(ANY, files);
    expect(choice.hook.name).toBe('kprobe');
    expect(choice.refused.at(-1)?.found).toMatch(/no function inet6_sendmsg/);
  });

  it('can be forced, and says why that does not work', async () => {
    expect((await chooseHook({ ...ANY, hook: 'kprobe', probe: 'lhist' }, kernel('6.8.0'))).probe.name).toBe(
      'lhist',
    );
    await expect(
      chooseHook({ ...ANY, hook: 'kprobe' }, kernelWithout('kprobe_events')),
    ).rejects.toMatchObject({
      exitCode: 2,
      problem: { found: expect.stringMatching(/^kprobe: no .*kprobe_events$/) },
    });
    await expect(
      chooseHook({ ...ANY, hook: 'kprobe', probe: 'flows' }, kernel('6.8.0')),
    ).rejects.toMatchObject({
      problem: { found: 'none for this probe' },
    });
  });

  it.each([
    ['without tracefs', 'tracing', /no tracefs/, /mount -t tracefs/],
    ['without BTF and kprobes', 'vmlinux', /no BTF.*no .*kprobe_events/, /CONFIG_DEBUG_INFO_BTF/],
    ['without a tracepoint that all need', 'tracing/events/cgroup', /cgroup:cgroup_mkdir/, /kernel/],
  ])('the doctor says the one thing to do %s', async (_, missing, found, remedy) => {
    const files = kernel('6.8.0');
    remove('tracing', 'kprobe_events');
    remove(missing);
    const check = (await checkMachine(captureConfig(), files)).find(({ name }) => name === 'hook');
    expect(check).toMatchObject({
      ok: false,
      found: expect.stringMatching(found),
      remedy: expect.stringMatching(remedy),
    });
  });

  it.each([
    ['all', [], ['zerocopy-syscalls', 'zerocopy-io-uring'], []],
    [
      'no tracepoints of calls',
      ['syscalls/sys_exit_splice'],
      ['zerocopy-io-uring'],
      [/^splice.*TCP_ZEROCOPY/],
    ],
    ['no io_uring', ['io_uring'], ['zerocopy-syscalls'], [/by io_uring/]],
  ])(
    'what leaves sockets without a receive is seen where the kernel has %s',
    async (_, missing, names, unseen) => {
      const files = kernel('6.8.0');
      for (const path of missing) remove('tracing/events', path);
      const choice = await chooseHook(ANY, files);
      expect(choice.supplements.map(({ name }) => name)).toEqual(names);
      expect(choice.unseen).toEqual(unseen.map(text => expect.stringMatching(text)));
      const check = (await checkMachine(captureConfig(), files)).find(({ name }) => name === 'coverage');
      expect(check).toMatchObject({
        ok: unseen.length === 0,
        required: false,
        found: expect.stringMatching(/sockmap/),
        remedy: expect.stringMatching(unseen.length === 0 ? /^$/ : /CONFIG_FTRACE_SYSCALLS/),
      });
      for (const text of unseen) expect(check?.found).toMatch(new RegExp(text.source.slice(1)));
    },
  );

  it('with capture.zerocopy off no system call is traced, and the doctor says what that hides', async () => {
    const files = kernel('6.8.0');
    const { probe, supplements, unseen } = await chooseHook({ ...ANY, zerocopy: 'off' }, files);
    expect(unseen).toEqual([]);
    const text = probe.render({ ...PARAMETERS, supplements: supplements.map(({ name }) => name) });
    expect(text).not.toMatch(/^tracepoint:(syscalls|io_uring):/m);
    const checks = await checkMachine(captureConfig({ zerocopy: 'off' }), files);
    expect(checks.find(({ name }) => name === 'coverage')).toMatchObject({
      ok: false,
      required: false,
      found: expect.stringMatching(/splice\(\) out of TCP sockets.*\(capture\.zerocopy is off\)/),
      remedy: expect.stringMatching(/^Set capture\.zerocopy to `auto`/),
    });
  });

  it('says that sendfile() is not seen before Linux 6.5', async () => {
    expect((await chooseHook(ANY, kernel('6.4.0'))).unseen).toEqual([expect.stringMatching(/sendfile/)]);
  });

  it.each(['fentry', 'kprobe'] as const)(
    '%s sees splices where their functions can be traced',
    async hook => {
      const files = kernel('6.8.0');
      const supplements = async () =>
        (await chooseHook({ ...ANY, hook }, files)).supplements.map(({ name }) => name);
      expect(await supplements()).toEqual([`zerocopy-${hook}`]);
      const names = HOOKS.flatMap(({ functions }) => functions);
      writeFileSync(join(folder.path, 'tracing/available_filter_functions'), names.join('\n'));
      writeFileSync(join(folder.path, 'kallsyms'), names.join('\n'));
      expect(await supplements()).toEqual([]);
    },
  );

  function kernelWithout(file: string): KernelFiles {
    const files = kernel('6.8.0');
    remove('tracing', file);
    return files;
  }
});
