import { describe, expect, it } from '@jest/globals';
import { HOOKS, type HookName, type Kernel, kernelOf, SUPPLEMENTS } from '../../bpf/hooks.ts';
import { PROBES } from '../../bpf/index.ts';
import { textOf } from '../../bpf/program.ts';
import { adapt, type BpftraceVersion, bpftraceVersionOf } from '../../bpf/quirks.ts';
import { describeWith } from '../parts/need.ts';
import { complaintsOf, NEWER_BPFTRACE } from '../parts/typecheck.ts';

const PARAMETERS = {
  intervalMs: 12_000,
  mapKeys: 1000,
  account: 'exact',
  bpftrace: null,
  supplements: [],
} as const;
const supplementsOf = (hook: HookName) => SUPPLEMENTS.filter(one => one.hook === hook);

/** Every program there is for a hook that cannot be attached on the kernel of the tests. */
const DETACHED = HOOKS.filter(hook => hook.name !== 'tracepoint').flatMap(hook =>
  PROBES.filter(({ hooks }) => hooks.includes(hook.name)).flatMap(probe =>
    ([[6, 8] as const, [5, 10] as const] satisfies Kernel[]).map(kernel => ({
      name: `${probe.name} at ${hook.name} of Linux ${kernel.join('.')}`,
      hook,
      functions: [hook, ...supplementsOf(hook.name)]
        .flatMap(({ functions }) => functions)
        .concat('inet_sendpage'),
      text: probe.render({
        ...PARAMETERS,
        hook: hook.name,
        supplements: supplementsOf(hook.name).map(({ name }) => name),
        kernel,
      }),
    })),
  ),
);

/** That function is gone from the kernels that the tests run on, and with it its type. */
const GONE = /no BTF data for inet_sendpage/;
/** bpftrace 0.17 does not look at the arguments of functions that the kernel does not let it trace. */
const UNRESOLVED = /Can't find function parameter|Can't find a field \$retval|"none"/;

describeWith(['ebpf', 'newer-bpftrace'], 'programs that cannot attach here', () => {
  it.each(DETACHED)('bpftrace of the distribution parses $name', async ({ text, functions }) => {
    const complaints = await complaintsOf('bpftrace', text, functions);
    expect(complaints.filter(line => !GONE.test(line) && !UNRESOLVED.test(line))).toEqual([]);
  });

  it.each(DETACHED)('a newer bpftrace finds all types right in $name', async ({ text, functions }) => {
    const complaints = await complaintsOf(NEWER_BPFTRACE, text, functions);
    expect(complaints.filter(line => !GONE.test(line))).toEqual([]);
  });

  it('would find a wrong field', async () => {
    const program = 'kretfunc:inet_recvmsg { @[args->sock->sk->sk_protokol] = count(); }';
    expect(await complaintsOf(NEWER_BPFTRACE, program, ['inet_recvmsg'])).toEqual([
      expect.stringMatching(/sk_protokol/),
    ]);
  });
});

describe('programs', () => {
  it('read out a long interval in parts, so that no packed sum overflows', () => {
    const [packed, lhist] = ['packed', 'lhist'].map(name =>
      PROBES.find(probe => probe.name === name)?.render({
        ...PARAMETERS,
        hook: 'tracepoint',
        kernel: [6, 8],
      }),
    );
    expect(packed).toMatch(/begin %llu packed 12000 1000/);
    expect(packed).toMatch(/interval:ms:4000/);
    expect(packed).toMatch(/@part >= 3/);
    expect(lhist).toMatch(/interval:ms:12000/);
    expect(lhist).toMatch(/@part >= 1/);
  });

  it('leave no word of the templates unfilled', () => {
    for (const { text } of DETACHED) {
      const code = text.replace(/\/\*.*?\*\//gs, '');
      expect(code.match(/\b[A-Z][A-Z_]+\b/g)?.filter(word => !['BEGIN', 'END'].includes(word)) ?? []).toEqual(
        [],
      );
    }
  });

  it('take the flags from where the kernel puts them, and count sendfile() where it went its own way', () => {
    const kprobe = (kernel: Kernel) =>
      PROBES.find(({ name }) => name === 'packed')?.render({ ...PARAMETERS, hook: 'kprobe', kernel });
    expect(kprobe([5, 18])).toMatch(/\(arg4 & 0x2002\)/);
    expect(kprobe([5, 19])).toMatch(/\(arg3 & 0x2002\)/);
    expect(kprobe([6, 4])).toMatch(/inet_sendpage/);
    expect(kprobe([6, 5])).not.toMatch(/inet_sendpage/);
  });

  it.each<[BpftraceVersion | null, boolean]>([
    [[0, 17], false],
    [[0, 22], false],
    [[0, 23], true],
    [[1, 0], true],
    [null, false],
  ])('for bpftrace %j attach to raw tracepoints: %j', (bpftrace, raw) => {
    for (const probe of PROBES) {
      const text = probe.render({ ...PARAMETERS, hook: 'tracepoint', kernel: [6, 8], bpftrace });
      expect(/^rawtracepoint:sock_/m.test(text)).toBe(raw);
      expect(/^tracepoint:sock:sock_(send|recv)_length/m.test(text)).toBe(!raw);
    }
  });
});

describe('what versions of bpftrace get wrong', () => {
  it.each([
    ['0.17.0', []],
    ['0.19.1', []],
    ['0.20.2', ['keys']],
    ['0.22.1', ['keys']],
    ['0.23.2', ['keys', 'paths']],
    ['0.23.2-12-gabcdef', ['keys', 'paths']],
    ['0.24.0', []],
    ['0.230', []],
    ['1.21.0', []],
    ['1.23.0', []],
    ['', []],
    [null, []],
  ])('%s: %j', (version, quirks) => {
    const text = adapt(textOf('packed.bt') + textOf('program.bt'), bpftraceVersionOf(version));
    const mended = [/sum\(\(uint64\)0\)/.test(text) && 'keys', /offsetof/.test(text) && 'paths'];
    expect(mended.filter(Boolean)).toEqual(quirks);
  });

  it("keys are made by a sum of 0, or are a processor's own", () => {
    const guarded = (name: string) =>
      PROBES.find(probe => probe.name === name)?.render({
        ...PARAMETERS,
        hook: 'tracepoint',
        kernel: [6, 8],
        bpftrace: [0, 20],
      }) ?? '';
    for (const name of ['packed', 'flows']) {
      const text = guarded(name);
      for (const [, key] of text.matchAll(/(@\w+\[.*\]) = sum\((?!\(uint64\)0\))/g)) {
        expect(text).toContain(`${key} = sum((uint64)0);\n`);
      }
      expect(text.match(/= sum\(\(uint64\)0\)/g)?.length).toBe(name === 'packed' ? 4 : 8);
    }
    expect(guarded('lhist')).not.toMatch(/\[cgroup\]/);
  });

  it.each(['program.bt', 'connections.bt'])('paths are found in both probes of %s', file => {
    const text = adapt(textOf(file), [0, 23]);
    for (const name of ['cgroup_mkdir', 'cgroup_rmdir']) {
      expect(text).toContain(
        `str((uint64)args->path - 3 * (offsetof(struct _tracepoint_cgroup_${name}, path) + 4))`,
      );
    }
    expect(text).not.toContain('str(args->path)');
  });
});

it.each([
  ['6.18.5', [6, 18]],
  ['5.10.0-30-amd64', [5, 10]],
  ['4.18.0-553.el8_10.x86_64', [4, 18]],
  ['6.12', [6, 12]],
  ['', null],
  ['next-20250101', null],
])('the version of Linux %j', (release, version) => {
  expect(kernelOf(release)).toEqual(version);
});
