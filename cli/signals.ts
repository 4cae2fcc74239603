import { type Clock, systemClock } from '../core/clock.ts';
import { describeError, errorCode } from '../core/errors.ts';

/** Signals that ask for an end, and the exit code of one that was cut short by each. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Of an output that nobody reads any more: the other end of a pipe, the terminal of a closed session. */
const UNREAD = new Set(['EPIPE', 'EIO']);

/** A process that cannot end by itself after an orderly end is ended: a connection that hangs keeps it alive, ms. */
const LINGER_MS = 200;

/** One Ctrl-C comes twice when npm or timeout passes on what the terminal sends to all: a signal so soon is no second one, ms. */
const ECHO_MS = 500;

export interface Stop {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, or by an output that cannot be written. */
  readonly signal: AbortSignal;
  /** To be called when the command is done: whatever is still open does not keep the process. */
  done(): void;
}

/** The first signal asks for an orderly end, the second one ends at once. An output that cannot be written asks too. */
export function stopSignal(clock: Clock = systemClock): Stop {
  const controller = new AbortController();
  let asked = Number.POSITIVE_INFINITY;
  for (const [name, code] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (clock.monotonic() - asked >= ECHO_MS) process.exit(code);
      asked = Math.min(asked, clock.monotonic());
      controller.abort(new Interrupted(code));
    });
  }
  let isIncomplete = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', error => {
      controller.abort();
      // `tidegauge … | head`: nobody reads any more, which is no error.
      if (isIncomplete || UNREAD.has(errorCode(error) ?? '')) return;
      isIncomplete = true;
      // After the command, whatever its own exit code is.
      process.on('exit', () => {
        process.exitCode ||= 1;
      });
      if (stream === process.stdout)
        process.stderr.write(`tidegauge: the output is incomplete: ${describeError(error)}\n`);
    });
  }
  return {
    signal: controller.signal,
    done() {
      if (controller.signal.aborted) setTimeout(() => process.exit(), LINGER_MS).unref();
    },
  };
}

/** Why a signal was aborted: with the exit code of a command that has nothing to put in order. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}
