import { mkdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findCgroupMount } from '../../../collector/identity/cgroups.ts';
import { Child, until } from '../process.ts';

/** A plain cgroup v2 of our own. */
export interface TestCgroup {
  /** Path in the cgroup tree, as frames name it. */
  readonly path: string;
  /** Its folder in the file system. */
  readonly folder: string;
  readonly id: string;
  /** Start a program that is in the cgroup from its first instruction on. */
  start(command: string, ...args: readonly string[]): Child;
  /** Run a perl script in it to its end; throws with its output when it fails. */
  perl(script: string): Promise<void>;
  /** Remove it, once its processes are gone. */
  remove(): Promise<void>;
}

/** Make a cgroup; `path` below the root of the tree, its parents are made as needed. */
export async function makeCgroup(path: string): Promise<TestCgroup> {
  const mount = await findCgroupMount();
  if (mount === null) throw new Error('no cgroup v2 tree is mounted');
  const folder = join(mount, path);
  mkdirSync(folder, { recursive: true });
  const start = (command: string, ...args: readonly string[]) =>
    new Child('sh', ['-c', 'echo $$ > "$0/cgroup.procs" || exit 99; exec "$@"', folder, command, ...args]);
  return {
    path: `/${path}`,
    folder,
    id: String(statSync(folder, { bigint: true }).ino),
    start,
    async perl(script) {
      const child = start('perl', '-e', script);
      if ((await child.exited) !== 0) throw new Error(`perl: ${child.output}`);
    },
    remove: () =>
      until(`an empty cgroup ${path}`, () => {
        try {
          rmdirSync(folder);
          return true;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
          throw error;
        }
      }).then(() => undefined),
  };
}
