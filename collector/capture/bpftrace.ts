import { type ChildProcess, execFile, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Clock } from '../../core/clock.ts';
import { boundedLines, type Line } from '../decode/lines.ts';
import { lineCap } from '../decode/parse.ts';
import { STRING_BYTES } from '../decode/path.ts';
import { LIMITS } from '../limits.ts';
import type { Exit } from './bpftrace-errors.ts';

/** What to start. */
export interface Launch {
  /** Name or path of bpftrace. */
  readonly executable: string;
  /** Words in front of it, such as `setpriv … --`, which must end in executing it. */
  readonly through?: readonly string[];
  /** Text of the probe. */
  readonly text: string;
  /** Capacity of each map, entries. */
  readonly mapKeys: number;
}

/** A process that ends when it is asked to. */
export interface Stoppable {
  readonly pid: number | undefined;
  /** Ask it to read out the last interval and end; killed when that takes too long. */
  stop(): Promise<void>;
  /** Kill it; nothing is read out. */
  kill(): void;
}

/** A running bpftrace. */
export interface Bpftrace extends Stoppable {
  /** Its output; ends with it. Not reading slows it down, and loses nothing. To be read once. */
  readonly lines: AsyncIterable<Line>;
  /** Resolves when it is gone. */
  readonly exited: Promise<Exit>;
}

/** How a process ended, without its standard error. */
export type ExitStatus = Omit<Exit, 'stderr'>;

/** How much of standard error is kept, characters. */
export const STDERR_KEPT = 16 * 1024;

/** Start bpftrace as a child of this process. When this process dies, it ends by SIGPIPE at its next flip. */
export function startBpftrace(launch: Launch, clock: Clock): Bpftrace {
  const { child, process, ended } = launchBpftrace(launch, clock, 'pipe', 'pipe');
  const { stdout, stderr } = child as ChildProcess & { stdout: Readable; stderr: Readable };
  let said = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-STDERR_KEPT);
  });
  return {
    pid: process.pid,
    stop: process.stop,
    kill: process.kill,
    lines: boundedLines(stdout, lineCap(launch.mapKeys)),
    exited: ended.then(end => ({ ...end, stderr: said })),
  };
}

/**
 * The child itself. It leads a session of its own, so that a terminal's Ctrl-C reaches only the collector, which then
 * stops it in order.
 * @param stdout,stderr `pipe`, or a file descriptor of this process that becomes its own
 */
export function launchBpftrace(
  { executable, through = [], text, mapKeys }: Launch,
  clock: Clock,
  stdout: 'pipe' | number,
  stderr: 'pipe' | number,
): { child: ChildProcess; process: Stoppable; ended: Promise<ExitStatus> } {
  const options = ['--no-warnings', '-B', 'line', '-f', 'json', '-e', text];
  const [command = executable, ...words] = [...through, executable, ...options];
  const child = spawn(command, words, {
    stdio: ['ignore', stdout, stderr],
    detached: true,
    env: {
      ...process.env,
      // Both names of each limit: up to 0.19, and newer.
      BPFTRACE_MAP_KEYS_MAX: String(mapKeys),
      BPFTRACE_MAX_MAP_KEYS: String(mapKeys),
      BPFTRACE_STRLEN: String(STRING_BYTES),
      BPFTRACE_MAX_STRLEN: String(STRING_BYTES),
    },
  });
  let gone = false;
  const ended = new Promise<ExitStatus>(resolve => {
    const end = (how: ExitStatus) => {
      gone = true;
      resolve(how);
    };
    child.once('close', (code, signal) => end({ code, signal, spawnError: null }));
    child.once('error', spawnError => end({ code: null, signal: null, spawnError }));
  });
  const kill = (signal: NodeJS.Signals) => {
    if (!gone) child.kill(signal);
  };
  const stop = async () => {
    kill('SIGINT');
    const waited = new AbortController();
    await Promise.race([
      ended.then(() => waited.abort()),
      clock.sleep(LIMITS.stopMs, waited.signal).then(() => kill('SIGKILL')),
    ]);
  };
  return { child, process: { pid: child.pid, stop, kill: () => kill('SIGKILL') }, ended };
}

/** `0.17.0`, or null when the program does not answer with a version. */
export function bpftraceVersion(executable: string): Promise<string | null> {
  return new Promise(resolve => {
    execFile(executable, ['--version'], { timeout: 10_000 }, (error, stdout) => {
      resolve(error ? null : (/v?(\d+\.\d+[0-9A-Za-z.+-]*)/.exec(stdout)?.[1] ?? null));
    });
  });
}
