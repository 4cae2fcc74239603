import { existsSync, lstatSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../core/errors.ts';

/** What demonstrations leave behind that were killed: actors in their cgroups, and folders with their data. */

/** Beginning of the names of all that a demonstration makes; the id of its process follows. */
export const DEMO_NAME = 'tidegauge-demo-';

const OF_DEMO = new RegExp(`^${DEMO_NAME}(\\d+)(-\\w+)?$`);

/** Ends what goes on in cgroups below `parent` of demonstrations whose process is gone, and removes them; returns their number. */
export function removeOldCgroups(parent: string): number {
  const old = oldOf(parent);
  for (const name of old) {
    const base = join(parent, name);
    const folders = [...foldersIn(base).map(folder => join(base, folder)), base];
    for (const pid of folders.flatMap(processesIn)) end(pid);
    for (const folder of folders) removeCgroup(folder);
  }
  return old.length;
}

/** Removes folders of this user in `parent` that such demonstrations kept their data in; returns their number. */
export function removeOldData(parent: string): number {
  // Another demonstration may be removing it.
  const ownerOf = (name: string) => lstatSync(join(parent, name), { throwIfNoEntry: false })?.uid;
  const own = oldOf(parent).filter(name => ownerOf(name) === process.getuid?.());
  for (const name of own) rmSync(join(parent, name), { recursive: true, force: true });
  return own.length;
}

/** The kernel lets a cgroup go only a moment after its last process. */
export function removeCgroup(path: string): void {
  for (let tries = 0; tries < 50 && existsSync(path); tries++) {
    try {
      rmdirSync(path);
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

const oldOf = (parent: string): string[] =>
  foldersIn(parent).filter(name => {
    const [, pid] = OF_DEMO.exec(name) ?? [];
    return pid !== undefined && !isRunning(Number(pid));
  });

const foldersIn = (parent: string): string[] =>
  readdirSync(parent, { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? [entry.name] : []));

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}

function processesIn(cgroup: string): number[] {
  try {
    const lines = readFileSync(join(cgroup, 'cgroup.procs'), 'utf8').split('\n');
    return lines.map(Number).filter(pid => pid > 0);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}
