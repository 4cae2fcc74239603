import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Argument, type Command, InvalidArgumentError } from 'commander';
import { closest } from '../../core/config/closest.ts';

/** The folder `docs`: of a checkout, or of the package of npm, where this is in `dist`. */
const FOLDERS = ['../../docs/', '../../../docs/'].map(path => new URL(path, import.meta.url));

/** Pages of the documentation by name, `configuration` of docs/configuration.md; none where they were left out. */
function pages(): ReadonlyMap<string, URL> {
  const folder = FOLDERS.find(one => existsSync(one));
  if (folder === undefined) return new Map();
  const files = readdirSync(folder).filter(file => file.endsWith('.md') && file !== 'README.md');
  return new Map(files.sort().map(file => [file.replace(/\.md$/, ''), new URL(file, folder)]));
}

/** Takes one of `names`. A list of so many hides the one that was meant. */
const known =
  (names: readonly string[]) =>
  (topic: string): string => {
    if (names.includes(topic)) return topic;
    const near = closest(topic, names);
    throw new InvalidArgumentError(
      near === null ? `Allowed choices are ${names.join(', ')}.` : `Did you mean ${near}?`,
    );
  };

/**
 * Adds `help`, which tells of a command what its `--help` does, and prints a page of the documentation; both where they have
 * one name. The commands must have been added.
 */
export function addHelp(program: Command): void {
  const topics = pages();
  const commands = new Map(program.commands.map(command => [command.name(), command]));
  const names = [...new Set([...commands.keys(), ...topics.keys()])];
  program
    .helpCommand(false)
    .command('help')
    .summary('of a command, or a page of the documentation: help detectors')
    .description(
      `Tells of a command, or prints a page of the documentation (Markdown): ${[...topics.keys()].join(', ')}.`,
    )
    .addArgument(new Argument('[topic]', 'a command or a page').choices(names).argParser(known(names)))
    .action((topic?: string) => {
      const command = topic === undefined ? program : commands.get(topic);
      command?.outputHelp();
      const page = topics.get(topic ?? '');
      if (page !== undefined) process.stdout.write(`${command ? '\n' : ''}${readFileSync(page, 'utf8')}`);
    });
}
