import { printable, TidegaugeError, UsageError } from '../../core/errors.ts';

/** How bpftrace ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The end of its standard error. */
  readonly stderr: string;
  /** Why it could not be started at all. */
  readonly spawnError: NodeJS.ErrnoException | null;
}

/** Lines of standard error that mean nothing. */
const HARMLESS = [/couldn't set RLIMIT_MEMLOCK/];

/** What can be wrong for good: trying again will not help. The first pattern that fits decides. */
const CAUSES: readonly { readonly pattern: RegExp; readonly expected: string; readonly remedy: string }[] = [
  {
    pattern: /only supports running as the root|must be run as root/i,
    expected: 'to run as root',
    remedy: 'Run it as root, for example with sudo.',
  },
  {
    pattern: /tracepoint not found|No probes to attach/i,
    expected: 'the tracepoints sock:sock_send_length and sock:sock_recv_length',
    remedy: 'Use Linux 6.3 or newer, and mount tracefs: `mount -t tracefs tracefs /sys/kernel/tracing`.',
  },
  {
    pattern: /install BTF information|No BTF|unknown type name|BTF.*not found/i,
    expected: 'kernel type information (BTF)',
    remedy:
      'Run a kernel with CONFIG_DEBUG_INFO_BTF=y (/sys/kernel/btf/vmlinux), with all capabilities of root.',
  },
  {
    pattern: /Operation not permitted|Permission denied|EPERM|lockdown/i,
    expected: 'permission to load eBPF programs',
    remedy:
      'Run it as root of the host, with CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN; see `dmesg` for lockdown.',
  },
  {
    pattern: /unrecognized option|invalid option|USAGE:/i,
    expected: 'a bpftrace that knows the options -B and -f json',
    remedy: 'Install bpftrace 0.17 or newer.',
  },
  {
    pattern: /syntax error|ERROR: Unknown (?:function|builtin|identifier)/i,
    expected: 'a bpftrace that understands the probe',
    remedy: 'Install bpftrace 0.17 or newer.',
  },
];

/** The lines of standard error that mean something, as one line of text; empty when there are none. */
export function meaningOf(stderr: string): string {
  const lines = stderr.split('\n').filter(line => line.trim() !== '');
  return printable(lines.filter(line => !HARMLESS.some(pattern => pattern.test(line))).join(' | '), 400);
}

/** Why trying again will not help, or null when it may. */
export function explainExit(executable: string, exit: Exit): TidegaugeError | null {
  const place = `bpftrace (${executable})`;
  const { spawnError } = exit;
  if (spawnError) {
    return new TidegaugeError(
      {
        place,
        found: `it cannot be started: ${spawnError.code ?? spawnError.message}`,
        remedy: 'Install bpftrace (Debian: `apt-get install bpftrace`), or set capture.bpftrace to its path.',
      },
      { cause: spawnError, exitCode: 2 },
    );
  }
  const found = meaningOf(exit.stderr);
  const cause = CAUSES.find(({ pattern }) => pattern.test(found));
  if (!cause) return null;
  return new UsageError({ place, expected: cause.expected, found, remedy: cause.remedy });
}

/** bpftrace ended too early, for a reason that none of the patterns explains. */
export function endedEarly(executable: string, found: string): TidegaugeError {
  const problem = { place: `bpftrace (${executable})`, found, remedy: 'Run `tidegauge doctor`.' };
  return new UsageError(problem);
}

/** One line for people about an end that may not happen again. */
export function describeExit(exit: Exit): string {
  const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
  const said = meaningOf(exit.stderr);
  return said === '' ? how : `${how}: ${said}`;
}
