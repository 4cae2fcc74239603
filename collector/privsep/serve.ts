import { write } from 'node:fs';
import { promisify } from 'node:util';
import type { Clock } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { launchBpftrace, type Stoppable } from '../capture/bpftrace.ts';
import { type Program, textOf } from '../capture/program.ts';
import { boundedLines } from '../decode/lines.ts';
import { NetworkNamespaces } from '../identity/network-namespaces.ts';
import { type Answer, CAPS_OF_LINES, END, isBroken, type Request, readRequest } from './protocol.ts';

export interface HelperOptions {
  /** What the collector asks; its end is the collector's end. */
  readonly requests: AsyncIterable<Uint8Array>;
  readonly answer: (answer: Answer) => void;
  /** bpftrace, by name or path; not for the collector to choose. */
  readonly executable: string;
  /** Words in front of it. */
  readonly through: readonly string[];
  /** Descriptors that bpftrace writes to. */
  readonly stdout: number;
  readonly stderr: number;
  readonly clock: Clock;
}

/**
 * Serve the collector until it is gone, then stop bpftrace in order. Rejects on the first invalid request: a collector
 * that sends one may be compromised.
 */
export async function serve(options: HelperOptions): Promise<void> {
  const helper = new Helper(options);
  try {
    options.answer({ tell: 'ready' });
    for await (const line of boundedLines(options.requests, CAPS_OF_LINES.request)) {
      if (line === null) throw new Error(`a request of more than ${CAPS_OF_LINES.request} bytes`);
      helper.take(readRequest(line));
    }
  } finally {
    await helper.end();
  }
}

class Helper {
  readonly #options: HelperOptions;
  readonly #networks = new NetworkNamespaces();
  #running: Stoppable | null = null;

  constructor(options: HelperOptions) {
    this.#options = options;
  }

  take(request: Request): void {
    switch (request.ask) {
      case 'start':
        this.#start(request.program);
        break;
      case 'stop':
        void this.#running?.stop();
        break;
      case 'kill':
        this.#running?.kill();
        break;
      case 'network':
        void this.#tellNetwork(request.question, request.pid);
    }
  }

  async end(): Promise<void> {
    await this.#running?.stop();
  }

  #start(program: Program): void {
    if (this.#running) throw new Error('a second bpftrace was asked for');
    const { executable, through, clock, stdout, stderr, answer } = this.#options;
    const launch = { executable, through, ...textOf(program) };
    const { process, ended } = launchBpftrace(launch, clock, stdout, stderr);
    this.#running = process;
    if (process.pid !== undefined) answer({ tell: 'started', pid: process.pid });
    void ended.then(async ({ code, signal, spawnError }) => {
      await Promise.all([writeEnd(stdout), writeEnd(stderr)]);
      this.#running = null;
      answer({ tell: 'ended', code, signal, error: spawnError && (spawnError.code ?? spawnError.message) });
    });
  }

  async #tellNetwork(question: number, pid: string): Promise<void> {
    const { answer } = this.#options;
    try {
      answer({ tell: 'network', question, network: await this.#networks.ofProcess(pid) });
    } catch (error) {
      answer({ tell: 'network failed', question, reason: describeError(error) });
    }
  }
}

const writeTo = promisify(write);

/** On a line of its own, whatever was left unfinished before. */
async function writeEnd(descriptor: number): Promise<void> {
  const line = Buffer.from(`\n${END}\n`);
  try {
    for (let at = 0; at < line.length; ) at += (await writeTo(descriptor, line, at)).bytesWritten;
  } catch (error) {
    // The collector is gone: so will the helper be.
    if (!isBroken(error)) throw error;
  }
}
