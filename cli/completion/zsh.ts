import { allCommands, type CommandNode, type OptionNode, type Value } from '../command-tree.ts';
import { quoted } from './quoted.ts';

/** The completion of all commands as functions of zsh: a file `_tidegauge` of `fpath`, or read by `source`. */
export function zshCompletion(program: CommandNode): string {
  const functions = allCommands(program).map(command =>
    command.commands.length > 0 ? groupFunction(command) : leafFunction(command),
  );
  const name = functionOf(program);
  return `#compdef ${program.name}
# Completion of ${program.name} for zsh, made by \`${program.name} completion zsh\`.
${functions.join('\n')}
# As a file of fpath, this is the first call; read by source, nothing is completed yet.
if [[ \${funcstack[1]} == ${name} ]]; then
  ${name} "$@"
else
  compdef ${name} ${program.name}
fi
`;
}

function groupFunction(command: CommandNode): string {
  const rows = command.commands.map(
    ({ name, summary }) => `    ${quoted(`${name.replaceAll(':', '\\:')}:${summary}`)}`,
  );
  const cases = command.commands.map(child => `        ${child.name}) ${functionOf(child)} ;;`);
  const specs = [...command.options.map(optionSpec), quoted('1: :->command'), quoted('*:: :->rest')];
  return `${functionOf(command)}() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands=(
${rows.join('\n')}
  )
  _arguments -C ${specs.join(' ')}
  case $state in
    command) _describe -t commands command commands ;;
    rest)
      case $words[1] in
${cases.join('\n')}
      esac
      ;;
  esac
}
`;
}

function leafFunction(command: CommandNode): string {
  const values = command.arguments.map((value, i) => `${i + 1}:${escaped(value.name)}:${action(value)}`);
  const specs = [...command.options.map(optionSpec), ...values.map(quoted)];
  return `${functionOf(command)}() {\n  _arguments ${specs.join(' \\\n    ')}\n}\n`;
}

/** A spec of _arguments: `'(-c --config)'{-c,--config}'[description]:file:_files'`. */
function optionSpec({ names, description, value, isRepeatable }: OptionNode): string {
  const what = `[${escaped(description)}]${value === null ? '' : `:${escaped(value.name)}:${action(value)}`}`;
  if (isRepeatable) return names.map(name => quoted(`*${name}${what}`)).join(' ');
  if (names.length === 1) return quoted(`${names[0]}${what}`);
  return `${quoted(`(${names.join(' ')})`)}{${names.join(',')}}${quoted(what)}`;
}

const action = ({ choices, isFile }: Value): string =>
  choices.length > 0 ? `(${choices.join(' ')})` : isFile ? '_files' : '';

/** `_tidegauge_silence_add`. */
const functionOf = ({ path }: CommandNode): string => `_${path.replaceAll(/\W/g, '_')}`;

const escaped = (text: string): string => text.replaceAll(/[\\[\]:]/g, '\\$&');
