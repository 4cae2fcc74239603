import { type Command, Option } from 'commander';
import { prepareRights } from '../app/rights.ts';
import { HOOK_NAMES } from '../bpf/hooks.ts';
import { LOG_FORMATS, LOG_LEVELS } from '../core/config/config.ts';
import type { Needs } from './config/needs.ts';
import { type CommonFlags, type Context, createContext, load } from './context.ts';
import { Interrupted } from './signals.ts';

/** Adds one command, or a command with sub-commands, to the program. One per file of commands/. */
export type Register = (program: Command, signal: AbortSignal) => void;

/** A command: resolves with the exit code. */
type Run<F> = (context: Context, flags: F, ...args: string[]) => Promise<number>;

/** A command with the flags that all have. */
export const addCommand = (parent: Command, name: string, description: string): Command =>
  parent
    .command(name)
    .description(description)
    .option(
      '-c, --config <file>',
      'configuration file (default: tidegauge.yaml in this directory, if there is one)',
    )
    .addOption(new Option('--log-level <level>', 'least severe log message').choices(LOG_LEVELS))
    .addOption(
      new Option('--log-format <format>', 'of log messages, and of all that is shown live').choices(
        LOG_FORMATS,
      ),
    )
    .option(
      '--time-zone <zone>',
      'of times shown, and of times given without an offset, such as Europe/Berlin (default: UTC)',
    );

export const addHook = (command: Command): Command =>
  command.addOption(
    new Option(
      '--hook <hook>',
      'where to attach in the kernel, instead of the first place that works',
    ).choices(['auto', ...HOOK_NAMES]),
  );

export const addUser = (command: Command): Command =>
  command.option('--user <name>', 'when started as root: run as this user; only bpftrace stays root');

/** What `run` and `collect` share. */
export const addCaptureFlags = (command: Command): Command =>
  addUser(addHook(command))
    .addOption(
      new Option(
        '--account <how>',
        '`fast` skips the second count, which tells how many messages a full map has lost',
      ).choices(['fast', 'exact']),
    )
    .option('--record <file>', 'also write what is captured to a new file, for `tidegauge replay`')
    .option('--force', 'let --record replace an existing file');

/** The stored range that a command reads. */
export const addRange = (command: Command, from: string, example = '12h'): Command =>
  command
    .option(
      '--from <time>',
      `start: a duration ago such as ${example}, ISO 8601 such as 2026-01-31T22:00, or a time of day such as 22:00`,
      from,
    )
    .option('--to <time>', 'end, the same', '0s');

interface ActionOptions<F> {
  /** When asked to end: a command that has nothing to put in order ends `at once`, whatever it waits for. */
  readonly ends?: 'at once' | 'in order';
  /** Groups of the configuration that must be right; null: all of them. */
  readonly needs?: Needs | null;
  /** Comes before everything else. */
  readonly prepare?: (flags: F) => void;
}

/** Resolves with the exit code when a signal has come; never when the output was closed, which commands see themselves. */
export const interrupted = (signal: AbortSignal): Promise<number> =>
  new Promise(resolve => {
    const end = () => {
      if (signal.reason instanceof Interrupted) resolve(signal.reason.exitCode);
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  });

/** Runs the command when commander calls it, and sets the exit code. */
export function setAction<F extends CommonFlags>(
  command: Command,
  signal: AbortSignal,
  run: Run<F>,
  { ends = 'at once', needs = null, prepare = () => undefined }: ActionOptions<F> = {},
): void {
  command.action(async (...all: unknown[]) => {
    // commander hands over: arguments… (several that belong together as a list), flags, command.
    const flags = all.at(-2) as F;
    const args = all.slice(0, -2).flat() as string[];
    prepare(flags);
    const running = run(createContext(flags, signal, { needs }), flags, ...args);
    process.exitCode = await (ends === 'in order' ? running : Promise.race([running, interrupted(signal)]));
  });
}

/** As `setAction`, for commands that may give up root: that can take a second start of the program. */
export const setCaptureAction = <F extends CommonFlags>(
  command: Command,
  signal: AbortSignal,
  run: Run<F>,
  { ends = 'in order', needs = null }: Pick<ActionOptions<F>, 'ends' | 'needs'> = {},
): void =>
  setAction(command, signal, run, {
    ends,
    needs,
    prepare: flags => prepareRights(load(flags, needs).config),
  });
