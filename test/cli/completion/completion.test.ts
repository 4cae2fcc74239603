import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Argument, Command, Option } from 'commander';
import { allCommands, type CommandNode, commandTree } from '../../../cli/command-tree.ts';
import { addAllCommands, COMMANDS } from '../../../cli/commands/index.ts';
import { bashCompletion } from '../../../cli/completion/bash.ts';
import { fishCompletion } from '../../../cli/completion/fish.ts';
import { zshCompletion } from '../../../cli/completion/zsh.ts';
import { describeWith } from '../../parts/need.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { runHere } from '../commands-here.ts';

const HOSTILE = `it's [odd]: $(touch pwned) \`touch pwned\` "quoted" back\\slash`;

/** A program whose texts have everything that a shell could take amiss. */
function hostileProgram(): CommandNode {
  const program = new Command('tidegauge');
  const group = program.command('group').description(HOSTILE).summary(HOSTILE);
  group
    .command('leaf')
    .description(HOSTILE)
    .addArgument(new Argument('<kind>', HOSTILE).choices(['one', 'two']))
    .addOption(new Option('-m, --mode <mode>', HOSTILE).choices(['fast', 'exact']))
    .option('--files <files...>', HOSTILE);
  return commandTree(program);
}

describeWith(['fish', 'zsh'], 'completion', () => {
  const folder = temporaryFolder();
  let program: CommandNode;
  beforeAll(async () => {
    const all = new Command('tidegauge');
    await addAllCommands(all, new AbortController().signal);
    program = commandTree(all);
    for (const name of ['a file.ndjson', 'a']) writeFileSync(join(folder.path, name), '');
  });
  afterAll(folder.remove);

  /** What a real bash offers for the last word; it hands words over as readline does. */
  function offered(words: readonly string[], tree = program): string[] {
    const script = join(folder.path, 'completion.bash');
    writeFileSync(script, bashCompletion(tree));
    const asked = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tidegauge
      ((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { status, stdout, stderr } = spawnSync(
      'bash',
      ['--noprofile', '--norc', '-uc', asked, script, 'tidegauge', ...words],
      { cwd: folder.path, encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout.split('\n').filter(line => line !== '');
  }

  it('bash is told of it', () => {
    const script = `${bashCompletion(program)}complete -p tidegauge`;
    const { stdout } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
    expect(stdout.trim()).toBe('complete -F _tidegauge tidegauge');
  });

  it('offers every command, and what begins with what was typed', () => {
    expect(offered([''])).toEqual([...COMMANDS.map(({ name }) => name), 'help']);
    expect(offered(['re'])).toEqual(['review', 'replay']);
    expect(offered(['help', 'do'])).toEqual(['doctor']);
  });

  it('offers what may follow each command, and all its options', () => {
    for (const { path, commands, options } of allCommands(program)) {
      const words = path.split(' ').slice(1);
      if (commands.length > 0)
        expect({ path, offered: offered([...words, '']) }).toEqual({
          path,
          offered: commands.map(c => c.name),
        });
      const names = options.flatMap(option => option.names);
      expect({ path, offered: offered([...words, '-']) }).toEqual({ path, offered: names });
    }
  });

  it.each([
    [['silence', 'l'], ['list']],
    [
      ['run', '--log-format', ''],
      ['text', 'json'],
    ],
    [['run', '--hook', 'f'], ['fentry']],
    [
      ['run', '--hook', '='],
      ['auto', 'tracepoint', 'fentry', 'kprobe'],
    ],
    [['run', '--hook', '=', 'k'], ['kprobe']],
    [['run', '--quiet', '--acc'], ['--account']],
    [['review', '--from', ''], []],
    [['silence', 'end', '--ser'], ['--server']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['replay', 'a '], ['a file.ndjson']],
    [['run', '-c', 'a '], ['a file.ndjson']],
    [['run', '--config', '=', 'a '], ['a file.ndjson']],
    [['nothing', 'x'], []],
  ])('bash offers after %j: %j', (words, expected) => {
    expect(offered(words).sort()).toEqual([...expected].sort());
  });

  it('takes no text for code', () => {
    expect(offered(['group', 'leaf', '--mode', ''], hostileProgram())).toEqual(['fast', 'exact']);
    expect(offered(['group', 'leaf', 'o'], hostileProgram())).toEqual(['one']);
    expect(offered(['$(touch', 'pwned)', '`touch pwned`'])).toEqual([]);
    expect(spawnSync('ls', ['pwned'], { cwd: folder.path }).status).not.toBe(0);
  });

  /** The words of every command, option and choice. */
  const wordsOf = (node: CommandNode): string[] =>
    allCommands(node).flatMap(({ name, options, arguments: given }) => [
      name,
      ...options.flatMap(option => [
        ...option.names.map(one => one.replace(/^-+/, '')),
        ...(option.value?.choices ?? []),
      ]),
      ...given.flatMap(({ choices }) => choices),
    ]);

  it.each([
    ['zsh', zshCompletion, ['-n']],
    ['fish', fishCompletion, ['--no-execute']],
  ] as const)('of %s has every word of the program, and is right for that shell', (shell, render, check) => {
    for (const tree of [program, hostileProgram()]) {
      const text = render(tree);
      for (const word of wordsOf(tree))
        expect(text).toMatch(new RegExp(`(?<![\\w-])-{0,2}${word}(?![\\w-])`));
      const script = join(folder.path, `completion.${shell}`);
      writeFileSync(script, text);
      const { status, stderr } = spawnSync(shell, [...check, script], { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    }
  });

  it('of zsh calls only functions that it defines, and quotes what would end a text', () => {
    const text = zshCompletion(program);
    const defined = [...text.matchAll(/^(_tidegauge\w*)\(\)/gm)].map(match => match[1]);
    const called = [...text.matchAll(/\) (_tidegauge\w*) ;;/g)].map(match => match[1]);
    expect([...called, '_tidegauge'].sort()).toEqual(defined.sort());
    expect(zshCompletion(hostileProgram())).toContain(`[it'\\''s \\[odd\\]\\: $(touch pwned)`);
  });

  it('of fish offers the same in a real fish', () => {
    const script = join(folder.path, 'completion.fish');
    writeFileSync(script, fishCompletion(program));
    const asked = (line: string) => {
      const { stdout } = spawnSync(
        'fish',
        ['--no-config', '-c', `source ${script}; complete -C${JSON.stringify(line)}`],
        {
          ...{ cwd: folder.path, encoding: 'utf8', env: { ...process.env, HOME: folder.path } },
        },
      );
      return stdout
        .split('\n')
        .map(row => row.split('\t')[0])
        .filter(Boolean);
    };
    expect(asked('tidegauge silence ')).toEqual(['add', 'end', 'help', 'list']);
    expect(asked('tidegauge run --hook ')).toEqual(['auto', 'fentry', 'kprobe', 'tracepoint']);
    expect(asked('tidegauge review --from ')).toEqual([]);
    expect(asked('tidegauge replay a')).toContain('a');
  });

  it.each([
    ['bash', bashCompletion],
    ['zsh', zshCompletion],
    ['fish', fishCompletion],
  ] as const)('`tidegauge completion %s` prints it, with --version beside', async (shell, render) => {
    const { stdout, error } = await runHere('completion', [shell]);
    expect(error).toBeNull();
    const all = new Command('tidegauge').version('0');
    await addAllCommands(all, new AbortController().signal);
    expect(stdout).toBe(render(commandTree(all)));
  });

  it('of another shell is refused with those that there are', async () => {
    const { error } = await runHere('completion', ['tcsh']);
    expect(String(error)).toMatch(/'tcsh' is invalid .* Allowed choices are bash, zsh, fish/);
  });
});
