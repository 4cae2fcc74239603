import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { errorCode } from '../core/errors.ts';
import { Child, until } from '../test/parts/process.ts';

/** The kernel's own account of what a BPF program costs: `kernel.bpf_stats_enabled`, read from the program's fdinfo. */

/** Entries that each map can hold. */
export const MAP_KEYS = 65_536;

/** Of a bpftrace, so that its maps hold so many: up to 0.19, and newer. */
export const ENVIRONMENT: NodeJS.ProcessEnv = {
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
function busiest(pid: number): Account {
  return accounts(pid).reduce((most, account) => (account.runs > most.runs ? account : most), NONE);
}

/** Nanoseconds that all BPF programs of a process have run for. */
export const nsInPrograms = (pid: number): number =>
  accounts(pid).reduce((sum, account) => sum + account.ns, 0);

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

/** Sends that many datagrams of 100 B to 20 kB over loopback; nobody receives them, so only sends are counted. */
function send(messages: number): void {
  const script = `
    use Socket;
    socket(my $to, PF_INET, SOCK_DGRAM, 0) or die; bind($to, sockaddr_in(0, INADDR_LOOPBACK)) or die;
    socket(my $from, PF_INET, SOCK_DGRAM, 0) or die; connect($from, getsockname($to)) or die;
    my @messages = map { "x" x $_ } 100, 1000, 5000, 20000;
    for (1 .. ${messages}) { send($from, $messages[$_ & 3], 0) or die }`;
  execFileSync('perl', ['-e', script]);
}

/** Nanoseconds in the kernel for each send that a program counts, as that bpftrace compiles it. */
export async function costPerSend(command: string, program: string, messages: number): Promise<number> {
  const bpftrace = new Child(command, ['-B', 'line', '-f', 'json', '-e', program], { env: ENVIRONMENT });
  const pid = bpftrace.process.pid ?? 0;
  try {
    await until(`bpftrace to count: ${bpftrace.output}`, () => {
      send(100);
      return busiest(pid).runs >= 100;
    });
    const before = busiest(pid);
    send(messages);
    const after = busiest(pid);
    return (after.ns - before.ns) / (after.runs - before.runs);
  } finally {
    await bpftrace.stop('SIGKILL');
  }
}
