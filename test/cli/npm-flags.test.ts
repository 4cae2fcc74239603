import { describe, expect, it } from '@jest/globals';
import { Command } from 'commander';
import { addAllCommands } from '../../cli/commands/index.ts';
import { refuseSwallowedFlags } from '../../cli/npm-flags.ts';

const program = new Command('tidegauge');
await addAllCommands(program, new AbortController().signal);

/** As npm starts the program: what it leaves of the words, and its variables. */
const started =
  (words: string, variables: Record<string, string>, event = 'tidegauge') =>
  () =>
    refuseSwallowedFlags(program, words.split(' '), {
      ...{ npm_package_name: 'tidegauge', npm_lifecycle_event: event, npm_config_audit: '' },
      ...variables,
    });

describe('a forgotten -- of npm', () => {
  it.each([
    [
      'check',
      { npm_config_config: 'bad.yaml' },
      'npm has taken --config=bad.yaml for itself',
      'npm run tidegauge -- check --config=bad.yaml',
    ],
    ['check', { npm_config_call: 'bad.yaml' }, '--config=bad.yaml', 'check --config=bad.yaml'],
    ['check bad.yaml', { npm_config_config: 'true' }, '--config …', 'npm run tidegauge -- check --config …'],
    [
      'review 12h',
      { npm_config_from: 'true', npm_config_json: 'true' },
      '--from … --json',
      'review --from … --json',
    ],
    ['silence list', { npm_config_all: 'true' }, '--all', 'npm run tidegauge -- silence list --all'],
    ['detect', { npm_config_log_level: 'debug' }, '--log-level=debug', 'detect --log-level=debug'],
  ])('%s with %j is refused, with what to write', (words, variables, found, remedy) => {
    expect(started(words, variables)).toThrow(found);
    expect(started(words, variables)).toThrow(remedy);
  });

  it.each([
    ['map', { npm_config_json: 'true' }, '--json', 'map'],
    ['silence end', { npm_config_host: 'x', npm_config_json: 'true' }, '--json --host', 'silence end'],
  ])('is noticed of a flag that %s does not have: %j', (words, variables, flags, name) => {
    expect(started(words, variables)).toThrow(
      `npm has taken ${flags} for itself: a -- is missing; and \`${name}\` has no such flag`,
    );
    expect(started(words, variables)).toThrow(`\`npm run tidegauge -- ${name} --help\``);
  });

  it('is noticed of npm start too', () => {
    expect(started('run', { npm_config_record: 'f' }, 'start')).toThrow('Write `npm start -- --record=f`.');
  });

  it('is of every flag of every command', () => {
    const leaves = (command: Command): Command[] =>
      command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
    const pathOf = (command: Command | null): string =>
      command?.parent ? `${pathOf(command.parent)} ${command.name()}`.trim() : '';
    for (const command of leaves(program)) {
      for (const { long } of command.options) {
        const variable = `npm_config_${long?.slice(2).replaceAll('-', '_')}`;
        expect(started(pathOf(command), { [variable]: 'x' })).toThrow(String(long));
      }
    }
  });

  it.each([
    ['check --config=bad.yaml', { npm_config_config: 'other.yaml' }, 'tidegauge'],
    ['check', { npm_config_json: '' }, 'tidegauge'],
    ['incident', { npm_config_json: 'true' }, 'tidegauge'],
    ['check', { npm_config_config: 'bad.yaml' }, 'test'],
    ['check', {}, 'tidegauge'],
    ['check', { npm_config_config: 'bad.yaml', npm_package_name: 'shop' }, 'start'],
  ])('is not seen where there is none: %s with %j in script %s', (words, variables, event) => {
    expect(started(words, variables, event)).not.toThrow();
  });
});
