import { readdir, readFile, stat } from 'node:fs/promises';
import { isRefusedByFiles } from '../../core/errors.ts';
import type { CgroupId } from '../contract.ts';

/** Folder names as the kernel gives them: any bytes but `/` and newline, so not always UTF-8. */
const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

/** Where the cgroup v2 tree is mounted, or null. The mount of the whole tree is preferred to one of a part. */
export async function findCgroupMount(mountinfo = '/proc/self/mountinfo'): Promise<string | null> {
  const text = await readFile(mountinfo, 'utf8');
  const mounts = text.split('\n').flatMap(line => {
    const [before, after] = line.split(' - ');
    const [, , , root, point] = (before ?? '').split(' ');
    if (!after?.startsWith('cgroup2 ') || !root || !point) return [];
    return [{ root, point: unescapeMount(point) }];
  });
  return (mounts.find(mount => mount.root === '/') ?? mounts[0])?.point ?? null;
}

/** mountinfo writes space, tab, newline and backslash as \ooo. */
function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/**
 * All cgroups below `path` (and itself), by inode. One that goes away meanwhile is left out, and so is what this user may
 * not read.
 * @param mount mount point of the cgroup v2 tree
 * @param path path inside it, `/` for all
 * @param onRefused told of each folder that may not be read
 */
export async function scanCgroups(
  mount: string,
  path = '/',
  onRefused: (path: string) => void = () => undefined,
): Promise<[CgroupId, string][]> {
  const found: [CgroupId, string][] = [];
  const open: Buffer[] = [bytes(path === '/' ? '' : path)];
  for (let inner = open.pop(); inner; inner = open.pop()) {
    const folder = Buffer.concat([bytes(mount), inner]);
    const children = await unlessGone(async () => {
      const { ino } = await stat(folder, { bigint: true });
      found.push([String(ino), inner.toString('utf8') || '/']);
      return readdir(folder, { withFileTypes: true, encoding: 'buffer' });
    }).catch((error: unknown) => {
      if (!isRefusedByFiles(error)) throw error;
      onRefused(inner.toString('utf8') || '/');
      return null;
    });
    for (const child of children ?? []) {
      if (child.isDirectory()) open.push(Buffer.concat([inner, bytes('/'), child.name]));
    }
  }
  return found;
}

/** The full path of a cgroup of which only the first bytes are known; null when it is gone. */
export async function locateCgroup(mount: string, cgroup: CgroupId, cutPath: string): Promise<string | null> {
  // The last component may be incomplete: look below the one before it.
  const known = cutPath.slice(0, cutPath.lastIndexOf('/')) || '/';
  const found = await scanCgroups(mount, known);
  return found.find(([id]) => id === cgroup)?.[1] ?? null;
}

/** What the action gives, or null when the file it reads is not there (any more). */
export async function unlessGone<T>(action: () => Promise<T>): Promise<T | null> {
  try {
    return await action();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENODEV' || code === 'ENOTDIR' || code === 'ESRCH') return null;
    throw error;
  }
}
