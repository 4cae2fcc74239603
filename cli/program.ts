import { Command, CommanderError, Option } from 'commander';
import { prepareRights } from '../app/rights.ts';
import { VERSION } from '../app/version.ts';
import { HOOK_NAMES } from '../bpf/hooks.ts';
import { describeError, errorCode, TidegaugeError } from '../core/errors.ts';
import { check } from './commands/check.ts';
import { connections } from './commands/connections.ts';
import { demo } from './commands/demo.ts';
import { doctor } from './commands/doctor.ts';
import { incidents } from './commands/incidents.ts';
import { map } from './commands/map.ts';
import { replay } from './commands/replay.ts';
import { review } from './commands/review.ts';
import { run } from './commands/run.ts';
import { silenceAdd, silenceEnd, silenceList } from './commands/silence.ts';
import { storeInit } from './commands/store.ts';
import { traffic } from './commands/traffic.ts';
import { ConfigError } from './config/load.ts';
import { type CommonFlags, type Context, createContext, load } from './context.ts';

const CONFIG = [
  '-c, --config <file>',
  'configuration file (default: tidegauge.yaml in this directory, if there is one)',
] as const;
const hookOption = () =>
  new Option('--hook <hook>', 'where to attach in the kernel, instead of the first that works').choices([
    'auto',
    ...HOOK_NAMES,
  ]);
const USER = [
  '--user <name>',
  'started as root: be this user, and leave root to bpftrace and what starts it',
] as const;

/** Options of `run` and `collect`. */
const captureOptions = () => [
  new Option(...CONFIG),
  hookOption(),
  new Option(
    '--account <how>',
    '`fast` does without the second count that tells how many messages a full map has lost',
  ).choices(['fast', 'exact']),
  new Option(...USER),
  new Option(
    '--record <file>',
    'also write everything that is captured to a new file for `tidegauge replay`',
  ),
  new Option('--force', 'let --record replace a file that exists'),
];

/** A command with these options, which commander takes one by one. */
const withOptions = (command: Command, options: readonly Option[]): Command =>
  options.reduce((all, option) => all.addOption(option), command);

/** Makes an action of commander of a command; its result is the exit code. `prepare` comes before everything else. */
function actionUntil(signal: AbortSignal, prepare: (flags: CommonFlags) => void = () => undefined) {
  return <F extends CommonFlags>(
    command: (context: Context, flags: F, ...args: string[]) => Promise<number>,
  ) =>
    async (...all: unknown[]): Promise<void> => {
      // commander hands over: arguments…, flags, command.
      const flags = all.at(-2) as F;
      const args = all.slice(0, -2) as string[];
      prepare(flags);
      process.exitCode = await command(createContext(flags, signal), flags, ...args);
    };
}

/** The first SIGINT or SIGTERM asks for an orderly end, the second one ends at once. A reader that is gone asks too. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort();
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', error => {
      // `tidegauge … | head`: nobody reads any more, which is no mistake.
      if (errorCode(error) !== 'EPIPE') throw error;
      controller.abort();
    });
  }
  return controller.signal;
}

function program(signal: AbortSignal): Command {
  const action = actionUntil(signal);
  const capturing = actionUntil(signal, flags => prepareRights(load(flags).config));
  const tidegauge = new Command('tidegauge')
    .exitOverride()
    .description(
      'Watches the network traffic of every container on this host and says when it is not normal.',
    )
    .version(VERSION)
    .showHelpAfterError('Add --help for the flags.')
    .addHelpText(
      'after',
      `
Start here, as root (in a checkout, \`tidegauge\` is \`npm run tidegauge --\`):
  tidegauge run                 watch this host: a live table, and incidents as they happen
  tidegauge demo                see an alert within two minutes, on traffic made for it
  tidegauge review --from 12h   what happened last night?
  tidegauge doctor              something is missing? this says what and how to mend it

Configuration: tidegauge.yaml; every key is listed in docs/configuration.md and can be set by an environment
variable, such as TIDEGAUGE_STORE_KIND=influx.`,
    );

  withOptions(tidegauge.command('run'), captureOptions())
    .description('capture, store, detect and alert, all in this process')
    .option('--quiet', 'show incidents only, no traffic')
    .action(capturing((context, flags) => run(context, flags, { collect: true, detect: true })));
  withOptions(tidegauge.command('collect'), captureOptions())
    .description('capture and store only; `detect` processes judge (needs a shared store, queue and state)')
    .option('--quiet', 'show no traffic')
    .action(capturing((context, flags) => run(context, flags, { collect: true, detect: false })));
  tidegauge
    .command('detect')
    .description('judge the frames of collectors and deliver notifications; start as many as you like')
    .option(...CONFIG)
    .action(action((context, flags) => run(context, flags, { collect: false, detect: true })));
  tidegauge
    .command('demo')
    .description(
      'make real traffic between a few containers, with a leak in it, and watch it; your receivers are told',
    )
    .option(...CONFIG)
    .option('--for <duration>', 'how long, such as 2m', '2m')
    .option('--traffic', 'only make the traffic; watch it with a `tidegauge run` of your own')
    .action(action(demo));
  tidegauge
    .command('review')
    .description('fold stored history again: what happened, and what would other settings have said?')
    .option(...CONFIG)
    .option('--from <time>', 'start: ISO 8601, or a duration ago such as 12h', '24h')
    .option('--to <time>', 'end: ISO 8601, or a duration ago', '0s')
    .option('--host <name>', 'only this host')
    .option('--json', 'machine-readable')
    .action(action(review));
  tidegauge
    .command('incidents')
    .description('list incidents that were raised, and what became of their notifications')
    .option(...CONFIG)
    .option('--from <time>', 'start: ISO 8601, or a duration ago such as 12h', '24h')
    .option('--to <time>', 'end: ISO 8601, or a duration ago', '0s')
    .option('--json', 'machine-readable')
    .option('--deliveries', 'with --json: also what became of the notifications of each incident')
    .action(action(incidents));
  tidegauge
    .command('connections')
    .description('show every TCP connection as it is opened, accepted or refused: who, from where, to where')
    .option(...CONFIG)
    .option(...USER)
    .option('--from <time>', 'list stored ones instead, from: ISO 8601, or a duration ago such as 12h')
    .option('--to <time>', 'with --from, the end: ISO 8601, or a duration ago (default: now)')
    .option('--host <name>', 'with --from: another host than this one')
    .option('--json', 'machine-readable: one object a line')
    .action(capturing(connections));
  tidegauge
    .command('map')
    .description('who talked to whom: every edge with its bytes and connections; those that fail come first')
    .option(...CONFIG)
    .option('--from <time>', 'start: ISO 8601, or a duration ago such as 12h', '1h')
    .option('--to <time>', 'end: ISO 8601, or a duration ago', '0s')
    .option('--host <name>', 'another host than this one')
    .option('--format <format>', 'text, dot (Graphviz), mermaid or json', 'text')
    .addHelpText(
      'after',
      `
In parentheses is who is no container: (host) an address of this host, (ADDRESS:PORT) one that is translated on the way,
such as a published port, (private) an address of a private range, (outside) any other, (unknown) an address that nobody
saw, (other) all that was too much for a frame. \`/\` is what runs on the host outside of all containers and services.`,
    )
    .action(action(map));
  tidegauge
    .command('traffic')
    .description('what each container sent and received over time, hour by hour, as long as it is kept')
    .option(...CONFIG)
    .option('--from <time>', 'start: ISO 8601, or a duration ago such as 30d', '24h')
    .option('--to <time>', 'end: ISO 8601, or a duration ago', '0s')
    .option(
      '--step <duration>',
      'how much time is one row; whole hours and whole minutes are kept longest',
      '1h',
    )
    .option('--container <pattern>', "only these, such as 'web-*'", '*')
    .option('--host <name>', 'another host than this one')
    .option('--json', 'machine-readable: one object a line, with exact sums and sizes')
    .action(action(traffic));
  tidegauge
    .command('replay')
    .description('run detection over a recording; works on any machine, needs no root')
    .argument(
      '<file>',
      'recording made by `run --record`, or plain output of `bpftrace -f json`; - reads standard input',
    )
    .option(...CONFIG)
    .option('--json', 'incidents as JSON')
    .option('--start <time>', 'for plain bpftrace output: when its first interval began, ISO 8601')
    .action(action(replay));
  tidegauge
    .command('doctor')
    .description('check this machine, the configuration and everything it points to; say what to do')
    .option(...CONFIG)
    .addOption(hookOption())
    .option(...USER)
    .option('--notify', 'send a test message to every receiver')
    .action(capturing(doctor));
  tidegauge
    .command('check')
    .description('check the configuration and print what is in force, without starting anything')
    .option(...CONFIG)
    .action(action(check));
  tidegauge
    .command('store')
    .description('look after the time-series database')
    .command('init')
    .description(
      'set up database, tiers and retention as configured; says what it did, harmless when repeated',
    )
    .option(...CONFIG)
    .action(action(storeInit));
  addSilence(tidegauge, action);
  return tidegauge;
}

function addSilence(tidegauge: Command, action: ReturnType<typeof actionUntil>): void {
  const silence = tidegauge
    .command('silence')
    .description('do not tell anybody for a while; incidents are raised and stored all the same');
  silence
    .command('add')
    .description(
      'begin one now. What is over before it ends is never sent; what still fires then is sent when it ends',
    )
    .option(...CONFIG)
    .option('--container <glob>', 'containers, such as web-*')
    .option('--service <glob>', 'services')
    .option('--host <glob>', 'hosts')
    .requiredOption('--for <duration>', 'how long, such as 2h')
    .requiredOption('--reason <text>', 'why, for whoever wonders')
    .option('--owner <name>', 'who wants it (default: you)')
    .action(action(silenceAdd));
  silence
    .command('list')
    .description('those in force')
    .option(...CONFIG)
    .option('--all', 'also those that ended in the last 30 days')
    .option('--json', 'machine-readable')
    .action(action(silenceList));
  silence
    .command('end')
    .description('end one early; what it has held and still fires is sent')
    .argument('<id>', 'as `silence list` shows it')
    .option(...CONFIG)
    .action(action(silenceEnd));
}

/** What the user sees of an error, and the exit code. */
function report(error: unknown): number {
  // commander has said it; its own code for a mistake is 1.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof ConfigError) {
    for (const line of error.lines) process.stderr.write(`tidegauge: ${line}\n`);
    process.stderr.write(`tidegauge: ${error.problem.remedy}\n`);
    return error.exitCode;
  }
  if (error instanceof TidegaugeError) {
    process.stderr.write(`tidegauge: ${describeError(error)}\n`);
    return error.exitCode;
  }
  process.stderr.write(
    `tidegauge: this should not happen, please report it: ${error instanceof Error ? error.stack : String(error)}\n`,
  );
  return 70;
}

try {
  await program(stopSignal()).parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
