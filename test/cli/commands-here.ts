import { jest } from '@jest/globals';
import { Command } from 'commander';
import { addAllCommands } from '../../cli/commands/index.ts';

async function program(): Promise<Command> {
  const all = new Command('tidegauge').exitOverride();
  await addAllCommands(all, new AbortController().signal);
  return all;
}

const leaves = (command: Command, above: readonly string[] = []): [string, Command][] =>
  command.commands.flatMap(child => {
    const path = [...above, child.name()];
    return child.commands.length > 0 ? leaves(child, path) : [[path.join(' '), child] as [string, Command]];
  });

/** Name and command of all that have no commands below them. */
export const leafCommands = async (): Promise<[string, Command][]> => leaves(await program());

/** Runs a command in this process: what it wrote, and the error that ended it. */
export async function runHere(
  name: string,
  args: readonly string[],
): Promise<{ stdout: string; stderr: string; error: unknown }> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const keep = (to: string[]) => (text: unknown) => {
    to.push(String(text));
    return true;
  };
  const out = jest.spyOn(process.stdout, 'write').mockImplementation(keep(stdout));
  const err = jest.spyOn(process.stderr, 'write').mockImplementation(keep(stderr));
  let error: unknown = null;
  try {
    const all = await program();
    await all.parseAsync([...name.split(' '), ...args], { from: 'user' });
  } catch (caught) {
    error = caught;
  } finally {
    out.mockRestore();
    err.mockRestore();
    process.exitCode = 0;
  }
  return { stdout: stdout.join(''), stderr: stderr.join(''), error };
}
