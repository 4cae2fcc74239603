import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { HOOKS } from '../../../bpf/hooks.ts';
import { bpftraceVersionOf } from '../../../bpf/quirks.ts';
import { bpftraceVersion } from '../../../collector/capture/bpftrace.ts';
import { chooseHook } from '../../../collector/capture/hooks.ts';
import { textOf } from '../../../collector/capture/program.ts';
import {
  bpftraceCommand,
  capabilitiesFor,
  findSetpriv,
  helperCommand,
  ownRights,
  readRights,
} from '../../../collector/privsep/rights.ts';
import { describeWith } from '../../parts/need.ts';
import { Child } from '../../parts/process.ts';
import { NEWER_BPFTRACE } from '../../parts/typecheck.ts';

const hook = (name: string) => {
  const found = HOOKS.find(one => one.name === name);
  if (!found) throw new Error(`no hook ${name}`);
  return found;
};

describe('the rights of the helper', () => {
  it.each([
    ['tracepoint', [6, 8], '0.21.2', ['SYS_PTRACE', 'PERFMON', 'BPF']],
    ['tracepoint', [6, 8], '0.20.0', ['SYS_PTRACE', 'SYS_ADMIN']],
    ['tracepoint', [6, 8], null, ['SYS_PTRACE', 'SYS_ADMIN']],
    ['fentry', [5, 10], '0.23.2', ['SYS_PTRACE', 'PERFMON', 'BPF', 'SYS_RESOURCE', 'SYSLOG']],
    ['kprobe', [5, 4], '0.23.2', ['SYS_PTRACE', 'SYS_ADMIN', 'SYS_RESOURCE', 'SYSLOG']],
  ] as const)('are, for %s on Linux %j with bpftrace %s, %j', (name, kernel, version, expected) => {
    expect(capabilitiesFor({ hook: hook(name), kernel }, version)).toEqual(expected);
  });

  it('are all that any kernel may need while the kernel is unknown', () => {
    expect(capabilitiesFor(null, null)).toEqual(['SYS_PTRACE', 'SYS_ADMIN', 'SYS_RESOURCE', 'SYSLOG']);
  });

  it('are not reduced where this process may not drop any', () => {
    const words = (effective: bigint) =>
      helperCommand('/usr/bin/setpriv', ['BPF'], {
        effective,
        reserve: effective,
        noNewPrivileges: true,
      }).join(' ');
    expect(words(1n << 8n)).toContain('--bounding-set=-all,+cap_39');
    expect(words(1n << 21n)).not.toContain('--bounding-set');
  });

  it('are read from /proc/PID/status', () => {
    const status =
      'Name:\tx\nCapInh:\t01\nCapPrm:\t02\nCapEff:\t0000018000080000\nCapBnd:\tff\nCapAmb:\t04\nNoNewPrivs:\t0\n';
    expect(readRights(status)).toEqual({ effective: 0x18000080000n, reserve: 7n, noNewPrivileges: false });
    const { stdout } = spawnSync(
      'setpriv',
      ['--inh-caps=-all', '--bounding-set=-all,+sys_ptrace', '--no-new-privs', 'cat', '/proc/self/status'],
      { encoding: 'utf8' },
    );
    expect(readRights(stdout)).toEqual({ effective: 1n << 19n, reserve: 1n << 19n, noNewPrivileges: true });
  });

  it('need setpriv, and the error says so', () => {
    expect(() => findSetpriv('/nowhere:/proc')).toThrow(/setpriv.*Install util-linux/);
  });
});

describeWith(['ebpf', 'newer-bpftrace'], 'the rights of the helper', () => {
  it.each(['bpftrace', NEWER_BPFTRACE])('are enough for %s to load every program', async program => {
    const choice = await chooseHook({ hook: 'auto', probe: 'auto', zerocopy: 'auto' });
    const version = await bpftraceVersion(program);
    const bpftrace = bpftraceVersionOf(version);
    const capabilities = capabilitiesFor(choice, version);
    const through = [
      ...helperCommand(findSetpriv(), capabilities, ownRights()),
      ...bpftraceCommand(findSetpriv()),
    ];
    const parameters = {
      intervalMs: 200,
      mapKeys: 1000,
      hook: choice.hook.name,
      supplements: choice.supplements.map(({ name }) => name),
      kernel: choice.kernel,
      account: 'exact',
      bpftrace,
    } as const;
    for (const asked of [
      { kind: 'probe', probe: choice.probe.name, parameters },
      { kind: 'connections', bpftrace },
    ] as const) {
      const child = inside(program, [
        ...through,
        'bpftrace',
        '-B',
        'line',
        '-f',
        'json',
        '-e',
        textOf(asked).text,
      ]);
      await child.until('its beginning', output => /"begin \d+/.test(output));
      await child.stop('SIGINT');
    }
  });
});

/** Run words where that bpftrace is: the newer one is in a tree of its own, which takes rights to enter. */
function inside(program: string, words: readonly string[]): Child {
  const [first = '', ...rest] = words;
  if (program === 'bpftrace') return new Child(first, rest);
  const root = NEWER_BPFTRACE.replace(/scripts\/[^/]*$/, '.cache/trixie');
  const script = 'mount --rbind /proc "$0/proc" && mount --rbind /sys "$0/sys" && exec chroot "$0" "$@"';
  return new Child('unshare', ['--mount', 'sh', '-c', script, root, ...words]);
}
