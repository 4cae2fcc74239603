import { allCommands, type CommandNode, type Value } from '../command-tree.ts';
import { quoted } from './quoted.ts';

/** The completion of all commands as a function of bash 4 or newer; it needs nothing else, bash-completion neither. */
export function bashCompletion(program: CommandNode): string {
  const commands = allCommands(program);
  return `# Completion of ${program.name} for bash, made by \`${program.name} completion bash\`.
_${program.name}() {
  local command=${program.name} word words= options= files=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$command $word" in
      ${patterns(commands.slice(1).map(({ path }) => path))}) command="$command $word" ;;
    esac
  done
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  # --hook=auto comes as three words.
  if [[ $current == = ]]; then
    current=
  elif [[ $before == = ]]; then
    before="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  case "$command $before" in
${valueCases(commands).join('\n')}
    *)
      case "$command" in
${commands.map(commandCase).join('\n')}
      esac
      if [[ $current == -* || -z $words$files ]]; then
        words=$options files=
      fi
      ;;
  esac
  COMPREPLY=()
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  elif [[ -n $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}
complete -F _${program.name} ${program.name}
`;
}

/** What follows an option that has a value; options with the same values share a case. */
function valueCases(commands: readonly CommandNode[]): string[] {
  const all = commands.flatMap(({ path, options }) =>
    options.flatMap(({ names, value }) =>
      value === null ? [] : names.map(name => ({ place: `${path} ${name}`, set: assignment(value) })),
    ),
  );
  return [...Map.groupBy(all, ({ set }) => set)].map(
    ([set, cases]) => `    ${patterns(cases.map(({ place }) => place))}) ${set} ;;`,
  );
}

function commandCase({ path, options, commands, arguments: [argument] }: CommandNode): string {
  const names = options.flatMap(option => option.names);
  const words = commands.map(({ name }) => name);
  const first = words.length > 0 ? `words=${quoted(words.join(' '))}` : assignment(argument);
  return `        ${quoted(path)}) ${first} options=${quoted(names.join(' '))} ;;`;
}

/** What is offered for a value; nothing where it may be anything. */
function assignment(value: Value | undefined): string {
  if (value?.isFile) return 'files=yes';
  return `words=${quoted((value?.choices ?? []).join(' '))}`;
}

const patterns = (texts: readonly string[]): string => texts.map(quoted).join('|');
