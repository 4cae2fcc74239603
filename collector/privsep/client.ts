import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../core/config/config.ts';
import { printable, TidegaugeError } from '../../core/errors.ts';
import { moduleBeside } from '../../core/module-beside.ts';
import { type Bpftrace, bpftraceVersion, type ExitStatus, STDERR_KEPT } from '../capture/bpftrace.ts';
import { chooseHook, type HookChoice } from '../capture/hooks.ts';
import type { Program } from '../capture/program.ts';
import type { Tracer } from '../capture/tracer.ts';
import type { NetworkNamespace } from '../contract.ts';
import { boundedLines, type Line } from '../decode/lines.ts';
import { lineCap } from '../decode/parse.ts';
import { type Answer, CAPS_OF_LINES, END, encode, isBroken, type Request, readAnswer } from './protocol.ts';
import { bpftraceCommand, capabilitiesFor, helperCommand, ownRights } from './rights.ts';

/** The helper needs almost no memory, and a single thread of V8; heap sizes in MiB. */
const BOUNDS = ['--max-old-space-size=64', '--max-semi-space-size=1', '--v8-pool-size=1'];

const MAIN = fileURLToPath(moduleBeside('./main', import.meta.url));

export interface HelperStart {
  readonly config: Pick<Config['capture'], 'hook' | 'probe' | 'zerocopy' | 'bpftrace' | 'map_keys'>;
  /** Path of setpriv. */
  readonly setpriv: string;
}

/** A process that keeps the rights of root while this one drops them. */
export interface Helper extends Tracer {
  readonly pid: number | undefined;
  /** Names of the capabilities it keeps, if this process may remove the others. */
  readonly capabilities: readonly string[];
  /** Resolves when the helper ends on its own: nothing can be captured any more. */
  readonly lost: Promise<TidegaugeError>;
  /** End bpftrace and the helper. */
  close(): Promise<void>;
}

/**
 * Start the helper. This process chooses the hook now, as it needs root for that. Rejects with a TidegaugeError when the
 * helper does not start.
 */
export async function startHelper({ config, setpriv }: HelperStart): Promise<Helper> {
  const choice = chooseHook(config);
  const chosen = await choice.catch(() => null);
  const version = await bpftraceVersion(config.bpftrace);
  const capabilities = capabilitiesFor(chosen, version);
  const [command = setpriv, ...words] = [
    ...helperCommand(setpriv, capabilities, ownRights()),
    ...[process.execPath, '--disable-warning=ExperimentalWarning', ...BOUNDS, MAIN],
    ...[config.bpftrace, ...bpftraceCommand(setpriv)],
  ];
  // A session of its own: a terminal's Ctrl-C is the collector's.
  const child = spawn(command, words, {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const helper = new HelperClient(child, { choice, version, capabilities, cap: lineCap(config.map_keys) });
  const failed = await Promise.race([helper.ready, helper.lost]);
  if (failed) throw failed;
  return helper;
}

/** The bpftrace that runs now. */
interface Running {
  pid: number | undefined;
  readonly ended: PromiseWithResolvers<ExitStatus>;
}

/** What the process that is still root has found out. */
interface Known {
  readonly choice: Promise<HookChoice>;
  readonly version: string | null;
  readonly capabilities: readonly string[];
  /** Longest line of bpftrace, bytes. */
  readonly cap: number;
}

const GONE: ExitStatus = { code: null, signal: null, spawnError: null };

class HelperClient implements Helper {
  readonly pid: number | undefined;
  readonly capabilities: readonly string[];
  readonly lost: Promise<TidegaugeError>;
  readonly ready: Promise<null>;
  readonly #choice: Promise<HookChoice>;
  readonly #version: string | null;
  readonly #channel: Socket;
  readonly #stdout: AsyncIterator<Line>;
  readonly #stderr: AsyncIterator<Line>;
  readonly #ready = Promise.withResolvers<null>();
  readonly #gone: Promise<string>;
  #closing = false;
  #isGone = false;
  #running: Running | null = null;
  readonly #questions = new Map<number, PromiseWithResolvers<NetworkNamespace | null>>();
  #asked = 0;

  constructor(child: ChildProcess, { choice, version, capabilities, cap }: Known) {
    const [stderr, channel, stdout, complaints] = child.stdio.slice(2);
    if (!isPipe(stderr) || !isPipe(channel) || !isPipe(stdout) || !isPipe(complaints))
      throw new Error('a child without its pipes');
    this.pid = child.pid;
    this.capabilities = capabilities;
    this.ready = this.#ready.promise;
    this.#choice = choice;
    this.#version = version;
    this.#channel = channel;
    this.#stdout = boundedLines(stdout, cap)[Symbol.asyncIterator]();
    this.#stderr = boundedLines(complaints, STDERR_KEPT)[Symbol.asyncIterator]();
    this.#gone = endOf(child, stderr);
    const lost = Promise.withResolvers<TidegaugeError>();
    this.lost = lost.promise;
    // Broken when the helper dies; its end says so.
    channel.on('error', () => undefined);
    void this.#listen();
    void this.#gone.then(found => {
      this.#isGone = true;
      this.#end(GONE);
      for (const question of this.#questions.values()) question.resolve(null);
      this.#questions.clear();
      if (!this.#closing) lost.resolve(helperLost(child.pid, found));
    });
  }

  choose(): Promise<HookChoice> {
    return this.#choice;
  }

  async version(): Promise<string | null> {
    return this.#version;
  }

  start(program: Program): Bpftrace {
    const running: Running = { pid: undefined, ended: Promise.withResolvers<ExitStatus>() };
    this.#running = running;
    this.#ask({ ask: 'start', program });
    if (this.#isGone) this.#end(GONE);
    const { promise: ended } = running.ended;
    const said = textUntilEnd(this.#stderr);
    return {
      get pid() {
        return running.pid;
      },
      lines: linesUntilEnd(this.#stdout),
      exited: ended.then(async end => ({ ...end, stderr: await said })),
      stop: async () => {
        this.#ask({ ask: 'stop' });
        await ended;
      },
      kill: () => this.#ask({ ask: 'kill' }),
    };
  }

  networkOfProcess(pid: string): Promise<NetworkNamespace | null> {
    const question = this.#asked++;
    const answer = Promise.withResolvers<NetworkNamespace | null>();
    if (this.#isGone) answer.resolve(null);
    else this.#questions.set(question, answer);
    this.#ask({ ask: 'network', question, pid });
    return answer.promise;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#channel.end();
    await this.#gone;
  }

  #ask(request: Request): void {
    if (this.#channel.writable) this.#channel.write(encode(request));
  }

  async #listen(): Promise<void> {
    try {
      for await (const line of boundedLines(this.#channel, CAPS_OF_LINES.answer)) {
        if (line !== null) this.#take(readAnswer(line));
      }
    } catch (error) {
      // Broken by the helper's end, which is reported as such.
      if (!isBroken(error)) throw error;
    }
  }

  #take(answer: Answer): void {
    switch (answer.tell) {
      case 'ready':
        this.#ready.resolve(null);
        break;
      case 'started':
        if (this.#running) this.#running.pid = answer.pid;
        break;
      case 'ended': {
        const { code, signal, error } = answer;
        const spawnError = error === null ? null : Object.assign(new Error(error), { code: error });
        this.#end({ code, signal, spawnError });
        break;
      }
      case 'network':
        this.#settle(answer.question)?.resolve(answer.network);
        break;
      case 'network failed':
        this.#settle(answer.question)?.reject(new Error(answer.reason));
    }
  }

  #end(how: ExitStatus): void {
    this.#running?.ended.resolve(how);
    this.#running = null;
  }

  #settle(question: number): PromiseWithResolvers<NetworkNamespace | null> | undefined {
    const asked = this.#questions.get(question);
    this.#questions.delete(question);
    return asked;
  }
}

/** What `pipe` of spawn is. */
const isPipe = (stream: unknown): stream is Socket => stream instanceof Socket;

/** Lines up to the end of this bpftrace, or of the helper. */
async function* linesUntilEnd(lines: AsyncIterator<Line>): AsyncIterable<Line> {
  for (;;) {
    const { value, done } = await lines.next();
    if (done || value === END) return;
    yield value;
  }
}

async function textUntilEnd(lines: AsyncIterator<Line>): Promise<string> {
  let text = '';
  for await (const line of linesUntilEnd(lines)) text = `${text}${line ?? '…'}\n`.slice(-STDERR_KEPT);
  return text;
}

/** Resolves when the child is gone, with how, and what it said. */
function endOf(child: ChildProcess, stderr: Readable): Promise<string> {
  let said = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-STDERR_KEPT);
  });
  return new Promise(resolve => {
    child.once('error', error => resolve(error.message));
    child.once('exit', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      resolve(said.trim() === '' ? how : `${how}: ${said.trim()}`);
    });
  });
}

function helperLost(pid: number | undefined, found: string): TidegaugeError {
  return new TidegaugeError(
    {
      place: `privileged helper${pid === undefined ? '' : ` (pid ${pid})`}`,
      found: `it ended unexpectedly: ${printable(found, 300)}`,
      remedy: 'Start tidegauge again; frames so far are stored or in the spool.',
    },
    { exitCode: 1 },
  );
}
