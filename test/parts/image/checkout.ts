import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');

/** This checkout without its tests and what is not in git, so that what is built there leaves no trace here. */
export function copyOfCheckout(to: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  for (const file of listed.split('\0').filter(name => name !== '' && !name.startsWith('test/')))
    cpSync(join(ROOT, file), join(to, file), { recursive: true });
}
