import { allCommands, type CommandNode, type Value } from '../command-tree.ts';

/** The completion of all commands for fish 3.1 or newer. */
export function fishCompletion(program: CommandNode): string {
  const commands = allCommands(program);
  const paths = commands.slice(1).map(({ path }) => quoted(path));
  const place = `__${program.name}_command`;
  return `# Completion of ${program.name} for fish, made by \`${program.name} completion fish\`.
function ${place} --description 'The command that the words before the cursor name'
    set --local command ${program.name}
    for word in (commandline --tokenize --cut-at-cursor --current-process)[2..-1]
        switch "$command $word"
            case ${paths.join(' ')}
                set command "$command $word"
        end
    end
    echo $command
end

complete --command ${program.name} --no-files
${commands.map(command => lines(program.name, command, `test (${place}) = ${JSON.stringify(command.path)}`)).join('')}`;
}

/** What may come after a command. */
function lines(name: string, command: CommandNode, condition: string): string {
  const start = `complete --command ${name} --condition ${quoted(condition)}`;
  const options = command.options.map(({ names, value, description }) => {
    const flags = names.map(flag =>
      flag.startsWith('--') ? `--long-option ${flag.slice(2)}` : `--short-option ${flag.slice(1)}`,
    );
    const given =
      value === null ? '' : ` ${value.isFile ? '--require-parameter' : '--exclusive'}${offered(value)}`;
    return `${start} ${flags.join(' ')}${given} --description ${quoted(description)}\n`;
  });
  const children = command.commands.map(
    child => `${start} --arguments ${child.name} --description ${quoted(child.summary)}\n`,
  );
  const [argument] = command.arguments;
  const values = argument && offered(argument) !== '' ? [`${start}${offered(argument)}\n`] : [];
  return [...children, ...options, ...values].join('');
}

const offered = ({ choices, isFile }: Value): string =>
  choices.length > 0 ? ` --arguments ${quoted(choices.join(' '))}` : isFile ? ' --force-files' : '';

/** A text as one word of fish, whatever is in it. */
const quoted = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
