import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** A bpftrace newer than the distribution's own, as a program. */
export const NEWER_BPFTRACE = join(import.meta.dirname, '../../scripts/newer-bpftrace.sh');

/**
 * A view of tracefs, in a mount namespace of its own, in which functions are traceable that this kernel does not let
 * anybody trace: so that bpftrace looks at their types before it fails to attach.
 */
const VIEW = `
  set -e
  real="$(mktemp -d)"; mount -t tracefs tracefs "$real"
  cp "$real/available_events" "$real.events" 2>/dev/null || cat "$real/available_events" > "$real.events"
  mount -t tmpfs tmpfs /sys/kernel/tracing
  mkdir /sys/kernel/tracing/events; mount --rbind "$real/events" /sys/kernel/tracing/events
  mv "$real.events" /sys/kernel/tracing/available_events
  for f in $FUNCTIONS; do echo "$f"; done > /sys/kernel/tracing/available_filter_functions
  umount "$real"; rmdir "$real"
  exec timeout 20 "$@"
`;

/**
 * What bpftrace has against a program, by parsing it and checking its types; nothing is counted. Its complaint that
 * it cannot attach is left out, and so is all that comes of it.
 */
export function complaintsOf(
  bpftrace: string,
  program: string,
  functions: readonly string[],
): Promise<string[]> {
  const debug = bpftrace === NEWER_BPFTRACE ? ['-d', 'ast'] : ['-d'];
  const args = ['--mount', 'sh', '-c', VIEW, 'sh', bpftrace, ...debug, '-e', program];
  const env = { ...process.env, FUNCTIONS: functions.join(' ') };
  return new Promise(resolve => {
    execFile('unshare', args, { env, maxBuffer: 64 * 1024 * 1024 }, (_error, stdout, stderr) => {
      const lines = `${stdout}\n${stderr}`.split('\n');
      const errors = lines.filter(line => /(?:^|: )(?:ERROR|FATAL|error):/.test(line));
      if (!/AST|Program|BEGIN/.test(stdout + stderr) && errors.length === 0)
        errors.push(`no answer: ${stderr}`);
      resolve(errors.filter(line => !EXPECTED.some(pattern => pattern.test(line))));
    });
  });
}

const EXPECTED = [
  /couldn't set RLIMIT_MEMLOCK/,
  /(?:kfunc\/kretfunc|fentry\/fexit) not available for your kernel version/,
  /Error attaching probe: k(?:ret)?probe:/,
];
