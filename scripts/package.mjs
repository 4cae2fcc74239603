#!/usr/bin/env node
// What `npm pack` puts into the package: JavaScript with types in dist/, as Node strips no types below node_modules.
// `node scripts/package.mjs` makes it before packing, `node scripts/package.mjs clean` removes it after.
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');
const CONFIG = 'tsconfig.package.json';

const json = file => JSON.parse(readFileSync(join(ROOT, file), 'utf8'));

/** Probes, the page and whatever else is read beside the sources. */
const isNoSource = path => statSync(path).isDirectory() || !path.endsWith('.ts');

rmSync(DIST, { recursive: true, force: true });
if (process.argv[2] !== 'clean') {
  const { status } = spawnSync('tsc', ['-p', CONFIG], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
  for (const pattern of json(CONFIG).include) {
    const folder = pattern.split('/')[0];
    cpSync(join(ROOT, folder), join(DIST, folder), { recursive: true, filter: isNoSource });
  }
  const { type, version } = json('package.json');
  writeFileSync(join(DIST, 'package.json'), `${JSON.stringify({ type, version })}\n`);
}
