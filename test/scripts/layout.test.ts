import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../parts/process.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Files of a folder beside its sub-folders, at most. */
const LIMIT = 15;
/** Folders that are one table, a row a file. */
const LONGER: Readonly<Record<string, number>> = { 'cli/commands': 24, bpf: 24, docs: 24 };

const run = (command: string, args: string[], cwd: string): { status: number | null; text: string } => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  return { status, text: `${stdout}${stderr}` };
};

/** Folders with more files than they may hold, each with their number. */
function overfull(files: readonly string[]): string[] {
  return [...Map.groupBy(files, dirname)]
    .filter(([folder, inside]) => folder !== '.' && inside.length > (LONGER[folder] ?? LIMIT))
    .map(([folder, inside]) => `${folder}: ${inside.length}`);
}

describe('the layout', () => {
  it('keeps every folder within its limit of files', () => {
    const listed = run('git', ['ls-files', '--cached', '--others', '--exclude-standard'], ROOT);
    expect(listed.status).toBe(0);
    expect(overfull(listed.text.trim().split('\n'))).toEqual([]);
  });

  it('finds a folder that has outgrown its limit', () => {
    const files = Array.from({ length: LIMIT + 1 }, (_, i) => `queue/${i}.ts`);
    expect(overfull(files.slice(1))).toEqual([]);
    expect(overfull(files)).toEqual(['queue: 16']);
  });
});

describe('the import rules', () => {
  const folder = temporaryFolder();
  afterEach(folder.remove);

  it.each([
    ['core-alone', 'core/a.ts', 'app/b.ts'],
    ['detector-closed', 'detector/a.ts', 'store/contract.ts'],
    ['worker-contracts-only', 'worker/a.ts', 'store/index.ts'],
    ['collector-decode', 'collector/decode/a.ts', 'collector/ship/b.ts'],
    ['app-below-cli', 'app/a.ts', 'cli/b.ts'],
    ['only-wire-assembles', 'cli/commands/a.ts', 'state/index.ts'],
    ['commands-apart', 'cli/screen/a.ts', 'cli/commands/b.ts'],
    ['product-without-proofs', 'store/a.ts', 'test/parts/b.ts'],
  ])('%s forbids that %s imports %s', (rule, from, to) => {
    for (const [file, text] of [
      [to, 'export const value = 1;\n'],
      [from, `import { value } from '${'../'.repeat(from.split('/').length - 1)}${to}';\nvoid value;\n`],
    ] as const) {
      mkdirSync(join(folder.path, dirname(file)), { recursive: true });
      writeFileSync(join(folder.path, file), text);
    }
    const config = join(ROOT, '.dependency-cruiser.cjs');
    const bin = join(ROOT, 'node_modules/.bin/depcruise');
    const { status, text } = run(bin, ['--config', config, '--output-type', 'err', '.'], folder.path);
    expect(text).toContain(`error ${rule}: ${from} → ${to}`);
    expect(status).not.toBe(0);
  });
});
