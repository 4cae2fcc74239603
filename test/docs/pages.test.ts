import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { SCHEMA } from '../../app/wire.ts';
import { loadConfig } from '../../cli/config/load.ts';
import { temporaryFolder } from '../parts/process.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');
const inDocs = readdirSync(join(ROOT, 'docs')).filter(name => name.endsWith('.md'));
const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...inDocs.map(name => `docs/${name}`)];

/** Without blocks of code. */
const prose = (page: string): string => read(page).replace(/^```.*?^```$/gms, '');

/** Names of a page's headings as GitHub makes them. */
const anchors = (page: string): string[] =>
  [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- _]/gu, '')
      .replaceAll(' ', '-'),
  );

const folders = readdirSync(ROOT, { withFileTypes: true })
  .filter(entry => entry.isDirectory() && !entry.name.startsWith('.'))
  .map(entry => entry.name);

const folder = temporaryFolder();
afterAll(() => folder.remove());

describe.each(PAGES)('%s', page => {
  it('links only to what is there', () => {
    for (const [, target = ''] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      expect([page, target, existsSync(join(ROOT, file))]).toEqual([page, target, true]);
      if (anchor !== undefined) expect(anchors(file)).toContain(anchor);
    }
  });

  it('names only files and folders that are there', () => {
    const named = [...prose(page).matchAll(/`([a-z]+\/[\w./-]*)`/g)].map(([, path = '']) => path);
    const ours = named.filter(path => folders.includes(path.split('/')[0] ?? '') && !/NAME/.test(path));
    for (const path of ours) expect([page, path, existsSync(join(ROOT, path))]).toEqual([page, path, true]);
  });

  it('shows only configurations that are accepted', () => {
    // Its examples are single rules, which run as tests of their detectors.
    if (page === 'docs/detectors.md') return;
    for (const [, text = ''] of read(page).matchAll(/^```yaml\n(.*?)^```$/gms)) {
      const file = join(folder.path, 'tidegauge.yaml');
      writeFileSync(file, text.replaceAll('/run/secrets/', join(ROOT, 'examples/secrets/')));
      const env = { CHAT_URL: 'https://chat.example/hook' };
      const machine = { hostname: 'h', data: '/d' };
      expect(loadConfig(SCHEMA, { file, env, machine }).warnings).toEqual([]);
    }
  });
});

describe('docs/README.md', () => {
  it('lists every page of docs/', () => {
    for (const name of inDocs.filter(name => name !== 'README.md'))
      expect(read('docs/README.md')).toContain(`](${name})`);
  });
});

describe('docs/architecture.md', () => {
  const page = read('docs/architecture.md');
  const layout = page.slice(page.indexOf('## Layout'), page.indexOf('## Who may import whom'));

  it('has a row of the layout for every folder of the checkout', () => {
    const rows = [...layout.matchAll(/^\| `([^`]+)\/`/gm)].map(([, path = '']) => path);
    for (const name of folders.filter(name => name !== 'node_modules'))
      expect(rows.filter(path => path.split('/')[0] === name)).not.toEqual([]);
    const inside = readdirSync(join(ROOT, 'collector'), { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(({ name }) => `collector/${name}`);
    expect(rows).toEqual(expect.arrayContaining(inside));
  });

  it('says the same in its picture as in docs/architecture.svg', () => {
    const [, source = ''] = /^```mermaid\n(.*?)^```$/ms.exec(page) ?? [];
    const labels = [...source.matchAll(/"([^"]+)"/g)].map(([, label = '']) => label);
    expect(labels.length).toBeGreaterThan(15);
    const words = (text: string) => text.replace(/<[^>]*>/g, ' ').replaceAll("'", '&#39;');
    const drawn = read('docs/architecture.svg')
      .replace(/<style>.*?<\/style>/s, '')
      .replace(/<[^>]*>/g, ' ')
      .replaceAll("'", '&#39;');
    for (const word of labels.flatMap(label => words(label).split(/\s+/))) expect(drawn).toContain(word);
  });
});
