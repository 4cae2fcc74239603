import type { CommonFlags } from '../../context.ts';

/** Commands that are printed for people to run: they lead to the installation that the one that prints them was asked about. */

/** Writes out a command of tidegauge: `silence add --for 1h`. `shared`: it can ask another process's API (`--server`). */
export type CommandHere = (words: string, shared?: boolean) => string;

/** How this process was called: by npm of a checkout or by its own name, and with which file or server. */
export function commandHere(
  { config, server }: Pick<CommonFlags, 'config' | 'server'>,
  env: Readonly<Record<string, string | undefined>>,
): CommandHere {
  const isNpm = env.npm_package_name === 'tidegauge' && env.npm_lifecycle_event !== undefined;
  const call = isNpm ? 'npm run tidegauge --' : 'tidegauge';
  const file = config === undefined ? '' : ` -c ${quoted(config)}`;
  return (words, shared = true) =>
    `${call} ${words}${file}${shared && server !== undefined ? ` --server ${quoted(server)}` : ''}`;
}

/** One word of a shell, whatever is in it. */
const quoted = (word: string): string =>
  /^[\w./:@=+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
