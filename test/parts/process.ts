import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Below the ports that the kernel hands out itself: an outgoing connection cannot take one before (or between two starts of) its server. */
const PORTS = { from: 10_000, to: 32_000 };
/** Of these the only one that fetch refuses (fetch.spec.whatwg.org, "port blocking"). */
const BLOCKED = 10080;

/** A port of loopback that was free a moment ago, drawn at random so that test processes beside each other differ. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    if (port !== BLOCKED && (await canListen(port))) return port;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** A new empty folder under the system's temporary one, and how to remove it. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'tidegauge-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Longest wait for a child that should end by itself, ms: the longest of them live for more than a minute. */
const ENDED_MS = 150_000;

/** How much of a child's output a failure message shows, from its end. */
const SHOWN = 4000;

/** A real child process with its output kept for failure messages. */
export class Child {
  readonly process: ChildProcess;
  output = '';
  /** Its exit code (null: ended by a signal, or never started), when all that it wrote is in `output`. */
  readonly exited: Promise<number | null>;

  constructor(
    command: string,
    args: readonly string[],
    options: { env?: NodeJS.ProcessEnv; cwd?: string; detached?: boolean } = {},
  ) {
    this.process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.exited = new Promise(resolve => {
      // What it wrote last may be in the pipes still: they are read between one turn of the event loop and the next.
      // (`close` would wait for its own children as well, which may have inherited them.)
      this.process.once('exit', code => setImmediate(() => setImmediate(() => resolve(code))));
      this.process.once('error', error => {
        this.output += `${error.message}\n`;
        resolve(null);
      });
    });
  }

  /** Fails with its output if it has ended: so that nobody waits for what a dead server would answer. */
  assertRunning(): void {
    const { exitCode, signalCode } = this.process;
    if (exitCode === null && signalCode === null) return;
    throw new Error(`${this.process.spawnfile} ended (${signalCode ?? exitCode}):\n${this.#shown()}`);
  }

  /** As `until`, of a child that has to live: fails at once when it has ended; a failure shows its output. */
  until<T>(
    what: string,
    probe: (output: string) => Promise<T> | T,
    timeoutMs?: number,
  ): Promise<Exclude<T, false | undefined>> {
    const look = async () => {
      const value = await probe(this.output);
      if (value === undefined || value === false) this.assertRunning();
      return value;
    };
    const { spawnfile } = this.process;
    return until(what, look, timeoutMs, () => `; ${spawnfile} has said:\n${this.#shown()}`);
  }

  #shown(): string {
    return this.output.slice(-SHOWN) || '(nothing)';
  }

  /** Wait until it ends with this exit code; fails with its output when it does otherwise, or goes on. */
  async ended(code: number, timeoutMs = ENDED_MS): Promise<void> {
    let found: { code: number | null } | undefined;
    void this.exited.then(exitCode => {
      found = { code: exitCode };
    });
    const { spawnfile } = this.process;
    const explain = () => `; it has said:\n${this.#shown()}`;
    const end = await until(`the end of ${spawnfile}`, () => found, timeoutMs, explain);
    if (end.code !== code)
      throw new Error(`${spawnfile} ended with ${end.code}, expected ${code}${explain()}`);
  }

  /** Ask it to end and wait until it has. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill(signal);
      // One that stands still would hear of it never: so would those who wait for it.
      this.process.kill('SIGCONT');
    }
    return this.exited;
  }
}

/**
 * Poll until `probe` gives something other than undefined or false; fails with `what` after `timeoutMs`, and with what
 * `explain` has to say then.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T> | T,
  timeoutMs = 60_000,
  explain = () => '',
): Promise<Exclude<T, false | undefined>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value as Exclude<T, false | undefined>;
    if (performance.now() > deadline)
      throw new Error(`timed out after ${timeoutMs} ms waiting for ${what}${explain()}`);
    await new Promise(resolve => setTimeout(resolve, 25));
  }
}
