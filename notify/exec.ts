import { type ChildProcess, spawn } from 'node:child_process';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { duration } from '../core/config/options.ts';
import { withDeadline } from '../core/deadline.ts';
import { describeError, printable } from '../core/errors.ts';
import type { Notification } from '../core/incident/incident.ts';
import type { DeliveryResult, Notifier, Receiver } from './contract.ts';
import { payloadOf } from './payload.ts';
import { limitOptions, limitsOf } from './shared/limits.ts';

/**
 * A program of the operator. It is started as a list of arguments, never through a shell, and nothing of an incident is
 * in its arguments or environment but hex digits and words of ours: all that others chose comes as JSON on standard input.
 */

const argument = z
  .string()
  .max(4096)
  .refine(text => !text.includes('\0'), 'no NUL character');

const options = z.strictObject({
  command: z
    .array(argument)
    .min(1)
    .max(64)
    .refine(
      ([program = '']) => program.startsWith('/'),
      'a program with its full path first, then its arguments',
    )
    .describe(
      'The program, with its full path, and its arguments, as a list, which no shell reads. `check` and `ps` show it: no place for secrets.',
    ),
  timeout: duration({ min: '100ms', max: '5m' })
    .prefault('10s')
    .describe('Longest run; then it is killed, with all that it has started.'),
  ...limitOptions,
});

type Options = z.output<typeof options>;

/** Exit code of a program that will never take this message (sysexits.h, EX_DATAERR). */
const REFUSED = 65;
/** How much of what it says is kept, characters: the end, where programs say why they failed. */
const OUTPUT_LIMIT = 2000;
/** How long after its end its output is waited for, ms: others may have inherited it and stay. */
const OUTPUT_MS = 250;

/** How it ended, and the last of what it said. */
interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** What every program needs, and what a simple one wants to know without reading JSON. */
const environmentOf = ({ key, receiver, status }: Notification): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
  LANG: 'C.UTF-8',
  TIDEGAUGE_KEY: key,
  TIDEGAUGE_RECEIVER: receiver,
  TIDEGAUGE_STATUS: status,
});

function create(name: string, o: Options, clock: Clock): Receiver {
  const [program = '', ...args] = o.command;
  return {
    name,
    address: printable(program),
    limits: limitsOf(o),
    async deliver(notification, signal) {
      // A group of its own, which is killed as a whole.
      const start = () =>
        spawn(program, args, {
          cwd: '/',
          detached: true,
          env: environmentOf(notification),
          shell: false,
          stdio: ['pipe', 'pipe', 'pipe'],
        });
      const input = `${JSON.stringify(payloadOf(notification))}\n`;
      return withDeadline(limit => resultOf(start, input, clock, limit), {
        parent: signal,
        ms: o.timeout,
        clock,
      });
    },
  };
}

/** Never rejects. */
async function resultOf(
  start: () => ChildProcess,
  input: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  let child: ChildProcess;
  try {
    child = start();
  } catch (error) {
    // Node.js throws for some reasons (ENOTDIR) and sends an event for others (ENOENT).
    return notStarted(error);
  }
  const kill = () => killGroup(child);
  if (signal.aborted) kill();
  else signal.addEventListener('abort', kill, { once: true });
  try {
    const run = await runOf(child, input, clock);
    if (run.code === 0) return { kind: 'accepted' };
    if (signal.aborted) return { kind: 'retry', reason: 'did not end in time and was killed' };
    return failureOf(run);
  } catch (error) {
    return notStarted(error);
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

const notStarted = (error: unknown): DeliveryResult => ({
  kind: 'retry',
  reason: `cannot be started: ${describeError(error)}`,
});

/** Rejects when it cannot be started. */
function runOf(child: ChildProcess, input: string, clock: Clock): Promise<Run> {
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', text => {
      output = (output + text).slice(-OUTPUT_LIMIT);
    });
  // A program need not read its input.
  child.stdin?.on('error', () => undefined).end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      const closed = new AbortController();
      child.on('close', () => closed.abort());
      void clock.sleep(OUTPUT_MS, closed.signal).then(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve({ code, signal, output });
      });
    });
  });
}

function failureOf({ code, signal, output }: Run): DeliveryResult {
  const how = code === null ? `killed by ${signal}` : `exit code ${code}`;
  const said = printable(output.trim().split('\n').at(-1) ?? '', 200);
  const reason = said === '' ? how : `${how}: ${said}`;
  return { kind: code === REFUSED ? 'refused' : 'retry', reason };
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

export const exec: Notifier<Options> = {
  name: 'exec',
  summary:
    'A program of your own, with the message as JSON on its standard input. Only with `alert.allow_exec: true`. Exit code 0: accepted; 65: refused for good; any other: to be tried again.',
  permission: 'allow_exec',
  options,
  create,
};
