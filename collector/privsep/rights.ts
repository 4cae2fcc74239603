import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { isAtLeast } from '../../bpf/hooks.ts';
import { bpftraceVersionOf } from '../../bpf/quirks.ts';
import { UsageError } from '../../core/errors.ts';
import type { HookChoice } from '../capture/hooks.ts';

/** Capabilities of Linux, by number: a setpriv that is older than the kernel has no names for the newer ones. */
const CAPABILITIES = {
  SETPCAP: 8,
  SYS_PTRACE: 19,
  SYS_ADMIN: 21,
  SYS_RESOURCE: 24,
  SYSLOG: 34,
  PERFMON: 38,
  BPF: 39,
} as const;
type Capability = keyof typeof CAPABILITIES;

/** Rights of a process, as the kernel tells them in /proc/PID/status. Capabilities are bit sets. */
export interface Rights {
  readonly effective: bigint;
  /** All sets that the process could take effective ones from. */
  readonly reserve: bigint;
  /** Whether executing a program can never give it more. */
  readonly noNewPrivileges: boolean;
}

/** Rights in the text of a `status` file. */
export function readRights(status: string): Rights {
  const set = (name: string) =>
    BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? 0}`);
  return {
    effective: set('CapEff'),
    reserve: set('CapPrm') | set('CapInh') | set('CapAmb'),
    noNewPrivileges: /^NoNewPrivs:\s*1$/m.test(status),
  };
}

export const ownRights = (): Rights => readRights(readFileSync('/proc/self/status', 'utf8'));

/**
 * Capabilities that the helper and bpftrace need. bpftrace up to 0.20 asks the kernel for its types by id, which only
 * CAP_SYS_ADMIN may; newer ones read them from a file, and need what loads a program (CAP_BPF) and lets it read the
 * kernel (CAP_PERFMON). Before Linux 5.8 both were CAP_SYS_ADMIN, before 5.11 maps counted as locked memory. Functions
 * are found in /proc/kallsyms (CAP_SYSLOG); network namespaces of others take CAP_SYS_PTRACE. `choice`: null when nothing
 * is known of the kernel.
 */
export function capabilitiesFor(
  choice: Pick<HookChoice, 'kernel' | 'hook'> | null,
  bpftrace: string | null,
): Capability[] {
  const kernel = choice?.kernel ?? [0, 0];
  const [, minor] = bpftraceVersionOf(bpftrace) ?? [0, 0];
  const isSplit = isAtLeast(kernel, [5, 8]) && minor > 20;
  return [
    'SYS_PTRACE',
    ...(isSplit ? (['PERFMON', 'BPF'] as const) : (['SYS_ADMIN'] as const)),
    ...(isAtLeast(kernel, [5, 11]) ? [] : (['SYS_RESOURCE'] as const)),
    ...(choice?.hook.name === 'tracepoint' ? [] : (['SYSLOG'] as const)),
  ];
}

/** Command that starts the helper with these capabilities alone, as far as this process may drop others. */
export function helperCommand(
  setpriv: string,
  capabilities: readonly Capability[],
  rights: Rights,
): string[] {
  const kept = capabilities.map(name => `,+cap_${CAPABILITIES[name]}`).join('');
  const mayDrop = (rights.effective & (1n << BigInt(CAPABILITIES.SETPCAP))) !== 0n;
  const bound = mayDrop ? [`--bounding-set=-all${kept}`] : [];
  return [setpriv, '--no-new-privs', '--inh-caps=-all', ...bound, '--'];
}

/** Command that starts bpftrace so that it reads out and ends when the helper dies. */
export const bpftraceCommand = (setpriv: string): string[] => [setpriv, '--pdeathsig', 'INT', '--'];

/** Path of setpriv. Throws a TidegaugeError when there is none. */
export function findSetpriv(path = process.env.PATH ?? ''): string {
  const found = path
    .split(delimiter)
    .map(folder => join(folder, 'setpriv'))
    .find(isExecutable);
  if (found) return found;
  throw new UsageError({
    place: 'collector.user',
    found: `the program setpriv, which drops rights, is not in ${path}`,
    remedy: 'Install util-linux, or leave collector.user empty.',
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
