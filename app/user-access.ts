import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Check } from '../collector/capture/preflight.ts';
import type { User } from '../collector/privsep/user.ts';
import type { Config } from '../core/config/config.ts';
import { errorCode, isRefusedByFiles, printable } from '../core/errors.ts';
import { filesOf } from './wire.ts';

const { R_OK, W_OK, X_OK } = constants;

/** Whether this process, which is `user` by now, can use what a collector needs of the disk. */
export function checkAccess(config: Config, user: User): Check[] {
  const program = dirname(import.meta.dirname);
  const { store, state } = filesOf(config);
  const kept = [config.data, store, state].filter(path => path !== null);
  const aliens = kept.flatMap(path => {
    const alien = firstAlien(path);
    return alien === null ? [] : [{ path, alien }];
  });
  const [first] = aliens;
  return [
    check(
      'program files',
      mayUse(program, R_OK | X_OK) ? null : `${program}, which ${user.name} may not read`,
      program,
      'Move it to where every user may read it, such as /opt/tidegauge.',
    ),
    check(
      'data files',
      first ? `${first.alien}, which ${user.name} may not use` : null,
      kept.join(', '),
      `Give it to the user: \`chown -R ${user.name}: ${printable(first?.path ?? config.data)}\`.`,
    ),
  ];
}

function check(name: string, trouble: string | null, found: string, remedy: string): Check {
  const ok = trouble === null;
  return { name, ok, required: true, found: trouble ?? found, remedy: ok ? '' : remedy };
}

/** What stands in the way of this process' reading and writing a file, or a folder and all that is in it; null: nothing. */
function firstAlien(path: string): string | null {
  try {
    const isFolder = statSync(path).isDirectory();
    accessSync(path, isFolder ? R_OK | W_OK | X_OK : R_OK | W_OK);
    const children = isFolder ? readdirSync(path) : [];
    return children.map(child => firstAlien(join(path, child))).find(found => found !== null) ?? null;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return null;
    if (code !== null && isRefusedByFiles(error)) return `${printable(path)} (${code})`;
    throw error;
  }
}

function mayUse(path: string, how: number): boolean {
  try {
    accessSync(path, how);
    return true;
  } catch (error) {
    if (isRefusedByFiles(error)) return false;
    throw error;
  }
}
