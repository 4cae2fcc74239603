import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { cacheFolder } from '../../app/compile-cache.ts';
import { temporaryFolder } from '../parts/process.ts';

const ME = process.getuid?.() ?? 0;
let folder = temporaryFolder();
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const places = () => [join(folder.path, 'sources'), join(folder.path, 'own')] as const;

it('compiled code is kept beside the sources, where only this user may write', () => {
  const [root, own] = places();
  const found = cacheFolder(root, own, ME);
  expect(found).toBe(join(root, `.cache/compiled-${ME}`));
  expect(statSync(String(found)).mode & 0o777).toBe(0o700);
});

it('compiled code is not taken from a folder that others may write into', () => {
  const [root, own] = places();
  const open = join(root, `.cache/compiled-${ME}`);
  mkdirSync(open, { recursive: true });
  chmodSync(open, 0o777);
  const found = cacheFolder(root, own, ME);
  expect(found).toBe(ME === 0 ? null : join(own, 'tidegauge'));
});

it('compiled code of another user is not taken', () => {
  const [root, own] = places();
  const other = ME + 1;
  mkdirSync(join(root, `.cache/compiled-${other}`), { recursive: true, mode: 0o700 });
  mkdirSync(join(own, 'tidegauge'), { recursive: true, mode: 0o700 });
  expect(cacheFolder(root, own, other)).toBeNull();
});

it('sources that cannot be written to leave the cache to the user, of whom root is none', () => {
  const [root, own] = places();
  // Not even root makes a folder in a file.
  writeFileSync(root, '');
  expect(cacheFolder(root, own, ME)).toBe(ME === 0 ? null : join(own, 'tidegauge'));
});
