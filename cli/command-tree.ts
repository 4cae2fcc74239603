import type { Command, Option } from 'commander';

/** What may follow an option, or stand as an argument. */
export interface Value {
  /** As help shows it: `file`. */
  readonly name: string;
  /** All that is taken; empty: anything. */
  readonly choices: readonly string[];
  readonly isFile: boolean;
}

export interface OptionNode {
  /** `-c` and `--config`, the short one first. */
  readonly names: readonly string[];
  readonly description: string;
  /** null: it is a switch. */
  readonly value: Value | null;
  readonly isRepeatable: boolean;
}

/** A command as help shows it: what completions and the manual are made from. */
export interface CommandNode {
  /** All words from the program on: `tidegauge silence add`. */
  readonly path: string;
  readonly name: string;
  /** For a list of commands. */
  readonly summary: string;
  readonly description: string;
  /** `[options] <file>`. */
  readonly usage: string;
  readonly options: readonly OptionNode[];
  readonly arguments: readonly (Value & { readonly description: string })[];
  readonly commands: readonly CommandNode[];
}

/** A command and all below it, with the `help` and `--help` that commander adds. */
export function commandTree(command: Command, above = ''): CommandNode {
  const help = command.createHelp();
  const path = `${above}${command.name()}`;
  const names = command.commands.map(child => child.name());
  return {
    path,
    name: command.name(),
    summary: help.subcommandDescription(command),
    description: command.description(),
    usage: command.usage(),
    options: help.visibleOptions(command).map(optionNode),
    arguments: command.registeredArguments.map(argument => ({
      ...valueNode(argument.name(), argument),
      description: argument.description,
    })),
    commands: help.visibleCommands(command).map(child => {
      const node = commandTree(child, `${path} `);
      // commander's own: its argument is one of its neighbours.
      if (names.includes(child.name())) return node;
      return { ...node, arguments: node.arguments.map(one => ({ ...one, choices: names })) };
    }),
  };
}

/** The command itself and all below it. */
export const allCommands = (command: CommandNode): CommandNode[] => [
  command,
  ...command.commands.flatMap(allCommands),
];

const optionNode = (option: Option): OptionNode => ({
  names: [option.short, option.long].filter(name => name !== undefined),
  description: option.description,
  value: option.required || option.optional ? valueNode(valueName(option), option) : null,
  // A parser of ours collects; that of choices only checks.
  isRepeatable: option.variadic || (option.parseArg !== undefined && option.argChoices === undefined),
});

/** `files` of `--compare <files...>`. */
const valueName = ({ flags }: Option): string => /[<[](.+?)(\.\.\.)?[>\]]$/.exec(flags)?.[1] ?? 'value';

const valueNode = (
  name: string,
  { argChoices = [] }: { readonly argChoices?: readonly string[] },
): Value => ({
  name,
  choices: argChoices,
  isFile: /^files?$/.test(name),
});
