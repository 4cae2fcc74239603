import { Command, CommanderError } from 'commander';
import { VERSION } from '../app/version.ts';
import { describeError, TidegaugeError } from '../core/errors.ts';
import { addCommands } from './commands/index.ts';
import { ConfigError } from './config/config-error.ts';
import { refuseSwallowedFlags } from './npm-flags.ts';
import { stopSignal } from './signals.ts';

async function createProgram(signal: AbortSignal, words: readonly string[]): Promise<Command> {
  const program = new Command('tidegauge')
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
  tidegauge doctor              something is missing? this says what, and how to fix it

Configuration: tidegauge.yaml. \`tidegauge help configuration\` lists every key; each can also be set by an environment
variable, such as TIDEGAUGE_STORE_KIND=influx.`,
    );
  await addCommands(program, signal, words);
  return program;
}

/** Tells the user about an error; returns the exit code. */
function report(error: unknown): number {
  // commander has printed it; its own exit code for a mistake is 1.
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
    `tidegauge: this is a bug, please report it: ${error instanceof Error ? error.stack : String(error)}\n`,
  );
  return 70;
}

const stop = stopSignal();
try {
  const words = process.argv.slice(2);
  const program = await createProgram(stop.signal, words);
  refuseSwallowedFlags(program, words, process.env);
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
stop.done();
