import { execFile, spawn } from 'node:child_process';
import type { Clock } from '../core/clock.ts';
import type { Exit } from './bpftrace-errors.ts';
import { LIMITS } from './limits.ts';
import { boundedLines, type Line } from './lines.ts';
import { lineCap } from './parse.ts';
import { STRING_BYTES } from './path.ts';

export interface BpftraceOptions {
  /** Name or path of the program. */
  readonly program: string;
  /** Text of the probe. */
  readonly text: string;
  /** Capacity of each map, entries. */
  readonly mapKeys: number;
  readonly clock: Clock;
}

/** A running bpftrace. */
export interface Bpftrace {
  readonly pid: number | undefined;
  /** Its output; ends with it. Not reading slows it down, and loses nothing. To be read once. */
  readonly lines: AsyncIterable<Line>;
  /** Resolves when it is gone. */
  readonly exited: Promise<Exit>;
  /** Ask it to read out the last interval and end; it is killed when that takes too long. */
  stop(): Promise<void>;
  /** Kill it; nothing is read out. */
  kill(): void;
}

/** How much of standard error is kept, characters. */
const STDERR_KEPT = 16 * 1024;

/**
 * Start bpftrace. It leads a session of its own, so that a terminal's Ctrl-C reaches only the collector, which then
 * stops it in order. When the collector dies without doing so, bpftrace ends by SIGPIPE at its next flip.
 */
export function startBpftrace(options: BpftraceOptions): Bpftrace {
  const child = spawn(options.program, ['--no-warnings', '-B', 'line', '-f', 'json', '-e', options.text], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: {
      ...process.env,
      // Both names of each limit: up to 0.19, and newer.
      BPFTRACE_MAP_KEYS_MAX: String(options.mapKeys),
      BPFTRACE_MAX_MAP_KEYS: String(options.mapKeys),
      BPFTRACE_STRLEN: String(STRING_BYTES),
      BPFTRACE_MAX_STRLEN: String(STRING_BYTES),
    },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  let gone = false;
  const exited = new Promise<Exit>(resolve => {
    const end = (code: number | null, signal: string | null, spawnError: Exit['spawnError']) => {
      gone = true;
      resolve({ code, signal, stderr, spawnError });
    };
    child.once('close', (code, signal) => end(code, signal, null));
    child.once('error', error => end(null, null, error));
  });
  const kill = (signal: NodeJS.Signals) => {
    if (!gone) child.kill(signal);
  };
  return {
    pid: child.pid,
    lines: boundedLines(child.stdout, lineCap(options.mapKeys)),
    exited,
    kill: () => kill('SIGKILL'),
    async stop() {
      kill('SIGINT');
      const waited = new AbortController();
      await Promise.race([
        exited.then(() => waited.abort()),
        options.clock.sleep(LIMITS.stopMs, waited.signal).then(() => kill('SIGKILL')),
      ]);
    },
  };
}

/** `0.17.0`, or null when the program does not answer with a version. */
export function bpftraceVersion(program: string): Promise<string | null> {
  return new Promise(resolve => {
    execFile(program, ['--version'], { timeout: 10_000 }, (error, stdout) => {
      resolve(error ? null : (/v?(\d+\.\d+[0-9A-Za-z.+-]*)/.exec(stdout)?.[1] ?? null));
    });
  });
}
