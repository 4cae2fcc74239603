#!/usr/bin/env node
// Types, lint and format, import directions: all three always run, so that one look shows everything.
import { spawnSync } from 'node:child_process';

const steps = [
  ['types', 'tsc', ['-p', '.']],
  ['lint and format', 'biome', ['check', '.', '--error-on-warnings']],
  [
    'import directions',
    'depcruise',
    ['--config', '.dependency-cruiser.cjs', '--output-type', 'err', '.', '--exclude', '^node_modules'],
  ],
];

let failed = false;
for (const [what, tool, args] of steps) {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8', shell: false });
  if (status === 0) {
    console.log(`ok: ${what}`);
    continue;
  }
  failed = true;
  console.log(`FAILED: ${what}\n${stdout ?? ''}${stderr ?? ''}`);
}
process.exit(failed ? 1 : 0);
