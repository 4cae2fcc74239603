import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { makeFolder } from '../../../backends/files/folder.ts';
import { temporaryFolder } from '../../parts/process.ts';

it('a folder is made with those above it, and refused where none can be', () => {
  const folder = temporaryFolder();
  const deep = join(folder.path, 'a/b/c');
  makeFolder(deep, 0o700);
  makeFolder(deep, 0o700);
  expect(statSync(deep).mode & 0o777).toBe(0o700);
  writeFileSync(join(folder.path, 'file'), '');
  expect(() => makeFolder(join(folder.path, 'file'))).toThrow(/EEXIST/);
  expect(() => makeFolder(join(folder.path, 'file/below'))).toThrow(/EEXIST|ENOTDIR/);
  expect(() => makeFolder('/proc/tidegauge/data')).toThrow(/ENOENT/);
  folder.remove();
});
