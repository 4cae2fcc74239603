import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from './process.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The program in a place that every user can read, for tests that run it as another user. */
export interface ReadableProgram {
  readonly root: string;
  /** The Node that runs it. */
  readonly node: string;
  remove(): void;
}

/** This checkout, or a copy of what runs where it is closed to others, as below root's home. */
export function readableProgram(): ReadableProgram {
  const node = process.execPath;
  if (isOpen(join(ROOT, 'cli/main.ts')) && isOpen(node)) return { root: ROOT, node, remove: () => undefined };
  const folder = temporaryFolder();
  const root = join(folder.path, 'program');
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  const own = readdirSync(ROOT).filter(name => !name.startsWith('.') && name !== 'node_modules');
  copy(own, root);
  for (const name of productionPackages()) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    copy([name], dirname(join(root, name)));
  }
  execFileSync('chmod', ['-R', 'a+rX', folder.path]);
  return { root, node: node.replace(ROOT, root), remove: folder.remove };
}

/** Whether everybody can come to a file and read it. */
function isOpen(file: string): boolean {
  if ((statSync(file).mode & 0o004) === 0) return false;
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === '/') return true;
  }
}

/** Node itself is large, and readable as npm unpacks it: linked where that can be. */
function copy(names: readonly string[], to: string): void {
  const files = names.map(name => join(ROOT, name));
  const isNode = names.some(name => /^node_modules\/node-linux-/.test(name));
  if (isNode && spawnSync('cp', ['-al', ...files, to]).status === 0) return;
  execFileSync('cp', ['-a', ...files, to]);
}

function productionPackages(): string[] {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([name, { dev }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(name) && dev !== true)
    .map(([name]) => name)
    .filter(name => existsSync(join(ROOT, name)));
}
