import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { SCHEMA } from '../../app/wire.ts';
import { loadConfig } from '../../cli/config/load.ts';
import { temporaryFolder } from '../parts/process.ts';
import { tidegauge } from '../parts/tidegauge.ts';

const root = new URL('../../', import.meta.url);
const readme = readFileSync(new URL('README.md', root), 'utf8');
const folder = temporaryFolder();
afterAll(folder.remove);

const accept = (file: string) =>
  loadConfig(SCHEMA, { file, env: {}, machine: { hostname: 'h', data: '/d' } });

describe('README and examples', () => {
  const blocks = [...readme.matchAll(/```yaml\n(.*?)```/gs)].map(match => match[1] ?? '');

  it.each(blocks.map((text, i) => [i + 1, text] as const))(
    'configuration %d of the README is accepted',
    (i, text) => {
      const file = join(folder.path, `${i}.yaml`);
      writeFileSync(file, text);
      expect(accept(file).warnings).toEqual([]);
    },
  );

  it.each(readdirSync(new URL('examples', root)).filter(name => name.endsWith('.yaml')))(
    'examples/%s is accepted',
    name => {
      expect(accept(new URL(`examples/${name}`, root).pathname).warnings).toEqual([]);
    },
  );

  it('names every command that there is, and no other', async () => {
    const help = tidegauge(['--help'], { cwd: folder.path });
    await help.ended(0);
    const commands = help.output.slice(help.output.indexOf('Commands:'), help.output.indexOf('Start here'));
    const offered = [...commands.matchAll(/^ {2}([a-z]+) /gm)].map(match => match[1]);
    const table = readme.slice(readme.indexOf('| command '), readme.indexOf('## How exact'));
    const named = [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(row =>
      [...(row[1] ?? '').matchAll(/`([a-z]+)/g)].map(m => m[1]),
    );
    expect(named.sort()).toEqual(offered.filter(name => name !== 'help').sort());
  });

  it.each(['run', 'review', 'doctor'])('%s explains itself', async command => {
    const help = tidegauge([command, '--help'], { cwd: folder.path });
    await help.ended(0);
    expect(help.output).toMatch(/--config <file>/);
  });
});
