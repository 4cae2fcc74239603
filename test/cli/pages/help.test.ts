import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { COMMANDS } from '../../../cli/commands/index.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { tidegauge } from '../../parts/tidegauge.ts';

const DOCS = join(import.meta.dirname, '../../../docs');
const page = (name: string): string => readFileSync(join(DOCS, `${name}.md`), 'utf8');
const PAGES = readdirSync(DOCS).flatMap(file => /^(?!README)(.+)\.md$/.exec(file)?.[1] ?? []);

describe('tidegauge help', () => {
  const folder = temporaryFolder();
  afterAll(folder.remove);

  /** What it says, once it has ended with this code. */
  async function help(words: readonly string[], code = 0): Promise<string> {
    const child = tidegauge(['help', ...words], { cwd: folder.path });
    await child.ended(code);
    return child.output;
  }

  it('prints a page of the documentation as it is', async () => {
    expect(await help(['detectors'])).toBe(page('detectors'));
  });

  it('tells of a command what its --help does', async () => {
    const own = tidegauge(['silence', '--help'], { cwd: folder.path });
    await own.ended(0);
    expect(await help(['silence'])).toBe(own.output);
  });

  it('tells both where a command has a page', async () => {
    const both = await help(['review']);
    expect(both).toMatch(/^Usage: tidegauge review /);
    expect(both.endsWith(`\n${page('review')}`)).toBe(true);
  });

  it('lists the commands without a topic, and says which topics there are when one is none', async () => {
    expect(await help([])).toMatch(/^Usage: tidegauge .*^ {2}help /ms);
    expect(await help(['confguration'], 2)).toMatch(
      /'confguration' is invalid .* Did you mean configuration\?$/m,
    );
    const refused = await help(['zebra'], 2);
    for (const name of [...PAGES, ...COMMANDS.map(one => one.name)]) expect(refused).toContain(name);
  });

  it('leaves no page out of its own help', async () => {
    const own = tidegauge(['help', '--help'], { cwd: folder.path });
    await own.ended(0);
    const words = own.output.replace(/\s+/g, ' ');
    for (const name of PAGES) expect(words).toMatch(new RegExp(`[ :,]${name}[,.]`));
  });
});
