import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findCgroupMount, locateCgroup, scanCgroups } from '../../../collector/identity/cgroups.ts';
import { temporaryFolder } from '../../parts/process.ts';

/** With the files that everybody may read, where the tests run as root. */
async function asNobody<T>(action: () => Promise<T>): Promise<T> {
  const uid = process.geteuid?.() ?? 0;
  if (uid === 0) process.seteuid?.(65_534);
  try {
    return await action();
  } finally {
    process.seteuid?.(uid);
  }
}

describe('the cgroup tree', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const make = (path: string): [string, string] => {
    const full = join(folder.path, path);
    mkdirSync(full, { recursive: true });
    return [String(statSync(full, { bigint: true }).ino), path];
  };

  it('is scanned with all ids and paths, whatever the names are', async () => {
    const made = ['/a b', '/a b/"c"\\', '/ü\u{1F30A}', `/${'x'.repeat(255)}`, `/${'x'.repeat(255)}/=,'`].map(
      make,
    );
    writeFileSync(join(folder.path, 'cgroup.procs'), '');
    const root = [String(statSync(folder.path, { bigint: true }).ino), '/'] as const;
    expect(new Map(await scanCgroups(folder.path))).toEqual(new Map([root, ...made]));
  });

  it('is scanned but for what this user may not read, which is told', async () => {
    const made = ['/a', '/closed', '/closed/b'].map(make);
    const refused: string[] = [];
    chmodSync(folder.path, 0o755);
    chmodSync(join(folder.path, 'closed'), 0o700);
    const scan = () => scanCgroups(folder.path, '/', path => refused.push(path));
    const found = await asNobody(scan);
    expect(found.map(([, path]) => path).sort()).toEqual(['/', '/a', '/closed']);
    expect(refused).toEqual(['/closed']);
    expect(await scan()).toHaveLength(made.length + 1);
  });

  it('is scanned from a place that is gone without an error', async () => {
    expect(await scanCgroups(folder.path, '/gone')).toEqual([]);
  });

  it('tells the whole path of a cut one', async () => {
    const [id, path] = make(`/${'a'.repeat(100)}/${'b'.repeat(200)}/c`);
    make(`/${'a'.repeat(100)}/other`);
    expect(await locateCgroup(folder.path, id, path.slice(0, 199))).toBe(path);
    expect(await locateCgroup(folder.path, id, path.slice(0, 50))).toBe(path);
    expect(await locateCgroup(folder.path, '1', path.slice(0, 199))).toBeNull();
  });

  it('is found by mountinfo: the whole tree rather than a part, names with spaces', async () => {
    const mountinfo = join(folder.path, 'mountinfo');
    const lines = [
      '30 29 0:26 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw',
      '31 30 0:27 /part /mnt/part rw shared:5 - cgroup2 cgroup2 rw',
      '32 30 0:27 / /mnt/a\\040b rw - cgroup2 cgroup2 rw',
    ];
    writeFileSync(mountinfo, lines.join('\n'));
    expect(await findCgroupMount(mountinfo)).toBe('/mnt/a b');
    writeFileSync(mountinfo, lines.slice(0, 2).join('\n'));
    expect(await findCgroupMount(mountinfo)).toBe('/mnt/part');
    writeFileSync(mountinfo, `${lines[0]}\n`);
    expect(await findCgroupMount(mountinfo)).toBeNull();
  });
});
