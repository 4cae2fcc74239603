import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ProbeParameters } from '../../../bpf/contract.ts';
import { PROBES } from '../../../bpf/index.ts';
import { bpftraceVersionOf } from '../../../bpf/quirks.ts';
import { chooseHook } from '../../../collector/capture/hooks.ts';
import { errorCode } from '../../../core/errors.ts';
import { Child } from '../../../test/parts/process.ts';

/** Programs while they run, and the kernel's own account of what they cost: `kernel.bpf_stats_enabled`, told in fdinfo. */

/** Entries that each map can hold. */
const MAP_KEYS = 65_536;

/** Of a bpftrace, so that its maps hold so many: up to 0.19, and newer. */
const ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  BPFTRACE_MAP_KEYS_MAX: `${MAP_KEYS}`,
  BPFTRACE_MAX_MAP_KEYS: `${MAP_KEYS}`,
};

const STATS = '/proc/sys/kernel/bpf_stats_enabled';

/** Switches the kernel's account on for the time of the action; needs root. */
export async function withBpfStats<T>(action: () => Promise<T>): Promise<T> {
  const before = readFileSync(STATS, 'utf8');
  writeFileSync(STATS, '1');
  try {
    return await action();
  } finally {
    writeFileSync(STATS, before);
  }
}

interface Account {
  readonly runs: number;
  readonly ns: number;
}

/** The busiest of the BPF programs that a process holds. */
export function busiest(pid: number): Account {
  return accounts(pid).reduce((most, account) => (account.runs > most.runs ? account : most), NONE);
}

const accounts = (pid: number): Account[] =>
  readdirSync(`/proc/${pid}/fdinfo`).map(fd => accountOf(`/proc/${pid}/fdinfo/${fd}`));

const NONE: Account = { runs: 0, ns: 0 };

/** What the kernel says of an open file, if that is a program and still open. */
function accountOf(file: string): Account {
  try {
    const text = readFileSync(file, 'utf8');
    const value = (key: string): number =>
      Number(new RegExp(`^${key}:\\s+(\\d+)$`, 'm').exec(text)?.[1] ?? 0);
    return { runs: value('run_cnt'), ns: value('run_time_ns') };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return NONE;
    throw error;
  }
}

/** Time between two readouts, ms: short, so that the first, which says that all is attached, comes soon. */
const INTERVAL_MS = 1000;

/** A program that attaches to no socket: its start leaves the machine in the same state before each measurement. */
export const IDLE = attached('');

/** A program of a few words that says when it is attached, as probes do. */
export function attached(program: string): string {
  return `${program} interval:ms:${INTERVAL_MS} { printf("end %llu\\n", nsecs); }`;
}

/** A bpftrace and every probe as it gets it, by name. */
export interface Measured {
  /** Name or path. */
  readonly command: string;
  readonly version: string;
  readonly probes: Readonly<Record<string, string>>;
}

/** Every probe as that version of bpftrace gets it, by name. */
export async function programsOf(version: string): Promise<Measured['probes']> {
  const { hook, supplements, kernel } = await chooseHook({ hook: 'auto', probe: 'auto', zerocopy: 'auto' });
  const parameters: ProbeParameters = {
    intervalMs: INTERVAL_MS,
    mapKeys: MAP_KEYS,
    hook: hook.name,
    supplements: supplements.map(({ name }) => name),
    kernel,
    account: 'exact',
    bpftrace: bpftraceVersionOf(version),
  };
  return Object.fromEntries(PROBES.map(probe => [probe.name, probe.render(parameters)]));
}

/** The action's result while that bpftrace runs the program; the action gets its process id. */
export async function during<T>(command: string, program: string, action: (pid: number) => T): Promise<T> {
  const bpftrace = new Child(command, ['--no-warnings', '-B', 'line', '-f', 'json', '-e', program], {
    env: ENVIRONMENT,
  });
  try {
    await bpftrace.until('a readout', output => output.includes('"end '));
    return action(bpftrace.process.pid ?? 0);
  } finally {
    await bpftrace.stop('SIGKILL');
  }
}
