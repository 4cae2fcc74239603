import type { Command } from 'commander';
import { printable, UsageError } from '../core/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Our scripts of package.json: how they are called with flags, and how many words of the command they give themselves. */
const SCRIPTS: Readonly<Record<string, { readonly call: string; readonly given: number }>> = {
  tidegauge: { call: 'npm run tidegauge --', given: 0 },
  start: { call: 'npm start --', given: 1 },
};

/** Flags of several commands: one that has none of them was asked for something that it cannot do. */
const COMMON = [
  ...['--json', '--from', '--to', '--host', '--container', '--service', '--server', '--format', '--html'],
  ...['--set', '--config', '--log-level'],
] as const;

/** Flags that npm knows by another name. */
const OTHER_NAMES: Readonly<Record<string, string>> = { '-c': 'call' };

/**
 * Without a `--` npm takes the flags for itself, and the command would do something else than was asked: another file,
 * another range. npm hands them on as variables of its own. Throws a UsageError that names them.
 */
export function refuseSwallowedFlags(program: Command, words: readonly string[], env: Environment): void {
  const script = SCRIPTS[env.npm_lifecycle_event ?? ''];
  if (script === undefined || env.npm_package_name !== 'tidegauge') return;
  const { command, path } = commandOf(program, words);
  const swallowed = command.options.flatMap(({ long, short, required }) => {
    if (words.some(word => word === long || word === short || word.startsWith(`${long}=`))) return [];
    const value = [variableOf(long), variableOf(short)].map(name => name && env[name]).find(Boolean);
    if (!value) return [];
    // A value after a blank was taken for a word of the command.
    if (required && value === 'true') return [`${long} …`];
    return [required ? `${long}=${printable(value, 60)}` : String(long)];
  });
  refuseUnknown(command, path, env);
  if (swallowed.length === 0) return;
  throw new UsageError({
    place: '',
    found: `npm has taken ${swallowed.join(' ')} for itself: a -- is missing`,
    remedy: `Write \`${[script.call, ...path.slice(script.given), ...swallowed].join(' ')}\`.`,
  });
}

/** Of a flag that the command does not have npm tells as well, and nobody else would. */
function refuseUnknown({ options, commands }: Command, path: readonly string[], env: Environment): void {
  if (path.length === 0 || commands.length > 0) return;
  const unknown = COMMON.filter(
    flag => !options.some(({ long }) => long === flag) && env[variableOf(flag) ?? ''],
  );
  if (unknown.length === 0) return;
  const name = path.join(' ');
  throw new UsageError({
    place: '',
    found: `npm has taken ${unknown.join(' ')} for itself: a -- is missing; and \`${name}\` has no such flag`,
    remedy: `\`npm run tidegauge -- ${name} --help\` shows those that it has.`,
  });
}

/** The command that the words name, and its names. */
function commandOf(
  program: Command,
  words: readonly string[],
): { command: Command; path: readonly string[] } {
  let command = program;
  const path: string[] = [];
  for (const word of words) {
    const next = command.commands.find(one => one.name() === word);
    if (!next) break;
    command = next;
    path.push(word);
  }
  return { command, path };
}

/** `npm_config_log_level` of `--log-level`. */
function variableOf(flag: string | undefined): string | null {
  if (flag === undefined) return null;
  const name = OTHER_NAMES[flag] ?? (flag.startsWith('--') ? flag.slice(2) : null);
  return name === null ? null : `npm_config_${name.replaceAll('-', '_')}`;
}
