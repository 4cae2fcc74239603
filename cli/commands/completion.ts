import { Argument, Command } from 'commander';
import { VERSION } from '../../app/version.ts';
import type { Register } from '../command.ts';
import { type CommandNode, commandTree } from '../command-tree.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { zshCompletion } from '../completion/zsh.ts';

const SCRIPTS: Readonly<Record<string, (program: CommandNode) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `addAll` adds the commands whose words are completed. */
export const registerCompletion =
  (addAll: (program: Command, signal: AbortSignal) => Promise<void>): Register =>
  (program, signal) => {
    program
      .command('completion')
      .description('print the completion of commands, options and their values for a shell')
      .addArgument(new Argument('<shell>', 'whose language it is in').choices(Object.keys(SCRIPTS)))
      .addHelpText(
        'after',
        `
For all users, as root:
  tidegauge completion bash > /etc/bash_completion.d/tidegauge
  tidegauge completion zsh > /usr/local/share/zsh/site-functions/_tidegauge
  tidegauge completion fish > /etc/fish/completions/tidegauge.fish
For this shell only: source <(tidegauge completion bash), or zsh; tidegauge completion fish | source`,
      )
      .action(async (shell: string) => {
        const whole = new Command(program.name()).version(VERSION);
        await addAll(whole, signal);
        process.stdout.write(SCRIPTS[shell]?.(commandTree(whole)) ?? '');
      });
  };
