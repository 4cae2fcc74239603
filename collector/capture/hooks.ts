import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Probe } from '../../bpf/contract.ts';
import {
  HOOKS,
  type Hook,
  isAtLeast,
  type Kernel,
  kernelOf,
  SUPPLEMENTS,
  type Supplement,
} from '../../bpf/hooks.ts';
import { PROBES } from '../../bpf/index.ts';
import type { Config } from '../../core/config/config.ts';
import { errorCode, UsageError } from '../../core/errors.ts';

/** Files in which the kernel lists its features; tests give others. */
export interface KernelFiles {
  readonly release: string;
  readonly btf: string;
  readonly symbols: string;
  /** Where tracefs may be mounted. */
  readonly tracefs: readonly string[];
}

export const KERNEL_FILES: KernelFiles = {
  release: release(),
  btf: '/sys/kernel/btf/vmlinux',
  symbols: '/proc/kallsyms',
  tracefs: ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'],
};

/** Why a hook cannot be used, and what to do about it. */
export interface Refusal {
  readonly found: string;
  /** An imperative sentence. */
  readonly remedy: string;
}

/** The probe that will count, and the hook it attaches to. */
export interface HookChoice {
  readonly probe: Probe;
  readonly hook: Hook;
  readonly kernel: Kernel;
  /** Programs beside the hook's own that work here. */
  readonly supplements: readonly Supplement[];
  /** What this hook would see on another kernel, and does not here. */
  readonly unseen: readonly string[];
  /** What is not seen because `capture.zerocopy` is `off`. */
  readonly declined: readonly string[];
  /** Hooks that were preferred and cannot be used. */
  readonly refused: readonly (Refusal & { readonly hook: Hook })[];
}

const CGROUP_TRACEPOINTS = ['cgroup/cgroup_mkdir', 'cgroup/cgroup_rmdir'];

/**
 * The first hook that works here and a probe for it; `capture.hook` and `capture.probe` narrow the choice,
 * `capture.zerocopy` leaves out what it is costly to see. Throws a TidegaugeError that says why each hook was refused.
 */
export async function chooseHook(
  config: Pick<Config['capture'], 'hook' | 'probe' | 'zerocopy'>,
  files: KernelFiles = KERNEL_FILES,
): Promise<HookChoice> {
  const refused: HookChoice['refused'][number][] = [];
  for (const hook of HOOKS) {
    if (config.hook !== 'auto' && config.hook !== hook.name) continue;
    const probes = PROBES.filter(probe => config.probe === 'auto' || config.probe === probe.name);
    for (const probe of probes.filter(({ hooks }) => hooks.includes(hook.name))) {
      const refusal = await refusalOf(hook, probe, files);
      const kernel = kernelOf(files.release);
      if (refusal === null && kernel)
        return { probe, hook, kernel, ...(await coverageOf(hook, kernel, config, files)), refused };
      if (refusal) refused.push({ hook, ...refusal });
    }
  }
  throw new UsageError({
    place: 'the kernel',
    expected: `a hook that works (capture.hook ${config.hook}, capture.probe ${config.probe})`,
    found: reasons(refused) || 'none for this probe',
    remedy: refused[0]?.remedy ?? 'Set capture.hook and capture.probe to `auto`.',
  });
}

/** Before Linux 6.5 sendfile() and splice() into a socket had a way of their own, which no tracepoint is on. */
const SENDFILE_SEEN: Kernel = [6, 5];

/** The supplements of a hook that work here and are wanted, and what is not seen. */
async function coverageOf(
  hook: Hook,
  kernel: Kernel,
  { zerocopy }: Pick<Config['capture'], 'zerocopy'>,
  files: KernelFiles,
): Promise<Pick<HookChoice, 'supplements' | 'unseen' | 'declined'>> {
  const supplements: Supplement[] = [];
  const unseen: string[] = [];
  const declined: string[] = [];
  if (hook.name === 'tracepoint' && !isAtLeast(kernel, SENDFILE_SEEN))
    unseen.push('sendfile() and splice() into sockets');
  for (const supplement of SUPPLEMENTS.filter(one => one.hook === hook.name)) {
    if (zerocopy === 'off') declined.push(supplement.sees);
    else if (await isThere(supplement, hook, files)) supplements.push(supplement);
    else unseen.push(supplement.sees);
  }
  return { supplements, unseen, declined };
}

/** Whether the kernel has what a supplement of a hook that works here needs. */
async function isThere(supplement: Supplement, hook: Hook, files: KernelFiles): Promise<boolean> {
  const tracefs = await firstExisting(files.tracefs.map(folder => join(folder, 'events')));
  if (tracefs === null) return false;
  const found = await Promise.all(supplement.tracepoints.map(name => exists(join(tracefs, name))));
  if (found.includes(false)) return false;
  if (supplement.functions.length === 0) return true;
  const words = await wordsOf(functionsFile(hook, join(tracefs, '..'), files));
  return supplement.functions.every(name => words?.has(name));
}

/** Each reason once: probes of one hook mostly share theirs. */
const reasons = (refused: HookChoice['refused']): string =>
  [...new Set(refused.map(({ hook, found }) => `${hook.name}: ${found}`))].join('; ');

/** Why a probe cannot use a hook on this machine, or null when it can. */
export async function refusalOf(hook: Hook, probe: Probe, files: KernelFiles): Promise<Refusal | null> {
  const kernel = kernelOf(files.release);
  if (!kernel || !isAtLeast(kernel, hook.kernel)) {
    const [major, minor] = hook.kernel;
    return refusal(`Linux ${files.release}`, `Use Linux ${major}.${minor} or newer.`);
  }
  if (hook.btf && !(await exists(files.btf))) {
    return refusal(`no BTF (${files.btf})`, 'Run a kernel with CONFIG_DEBUG_INFO_BTF=y.');
  }
  const tracefs = await firstExisting(files.tracefs.map(folder => join(folder, 'events')));
  if (tracefs === null) return refusalOfTracefs(files);
  for (const tracepoint of [...hook.tracepoints, ...probe.tracepoints, ...CGROUP_TRACEPOINTS]) {
    if (await exists(join(tracefs, tracepoint))) continue;
    return refusal(
      `no tracepoint ${tracepoint.replace('/', ':')} in Linux ${files.release}`,
      'Run a kernel of a common distribution, with CONFIG_FTRACE and CONFIG_CGROUPS.',
    );
  }
  return hook.functions.length > 0 ? refusalOfFunctions(hook, join(tracefs, '..'), files) : null;
}

/** Only root may look into it, so that for others it can be there or not. */
async function refusalOfTracefs(files: KernelFiles): Promise<Refusal> {
  for (const folder of files.tracefs) {
    if (await isHidden(join(folder, 'events')))
      return refusal('tracefs cannot be seen by this user', 'Run it as root, for example with sudo.');
  }
  return refusal('no tracefs', 'Mount it: `mount -t tracefs tracefs /sys/kernel/tracing`.');
}

async function refusalOfFunctions(hook: Hook, tracefs: string, files: KernelFiles): Promise<Refusal | null> {
  const list = functionsFile(hook, tracefs, files);
  const needed = hook.name === 'kprobe' ? [join(tracefs, 'kprobe_events'), list] : [list];
  for (const file of needed) {
    if (await exists(file)) continue;
    return refusal(`no ${file}`, NO_FUNCTIONS);
  }
  const words = await wordsOf(list);
  if (words === null) return refusal(`${list} may not be read`, NO_FUNCTIONS);
  const missing = hook.functions.find(name => !words.has(name));
  return missing === undefined
    ? null
    : refusal(`no function ${missing} in ${list}`, 'Run a kernel with TCP, UDP and IPv6 built in.');
}

/** Where the functions are listed that a hook can be put on. */
const functionsFile = (hook: Hook, tracefs: string, files: KernelFiles): string =>
  hook.name === 'kprobe' ? files.symbols : join(tracefs, 'available_filter_functions');

const NO_FUNCTIONS = 'Run a kernel with CONFIG_KPROBES and CONFIG_DYNAMIC_FTRACE, and without lockdown.';

/** All words of a file; null where even root may not read it, as lockdown has it. */
async function wordsOf(file: string): Promise<ReadonlySet<string> | null> {
  try {
    return new Set((await readFile(file, 'utf8')).split(/\s+/));
  } catch (error) {
    if (errorCode(error) === 'EPERM' || errorCode(error) === 'EACCES') return null;
    throw error;
  }
}

const refusal = (found: string, remedy: string): Refusal => ({ found, remedy });

async function firstExisting(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) if (await exists(path)) return path;
  return null;
}

function isHidden(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => false,
    error => errorCode(error) === 'EACCES',
  );
}

/** False as well where this user may not look. */
function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}
