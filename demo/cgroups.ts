import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, TidegaugeError } from '../core/errors.ts';
import { ACTOR, type ActorRunner } from './actor-runner.ts';
import { DEMO_NAME, removeCgroup, removeOldCgroups } from './leftovers.ts';

/** Actors as processes in plain cgroups of their own, also of this process: for hosts without Docker. Needs root. */
export async function cgroupActors(): Promise<ActorRunner> {
  const mount = cgroup2Mount();
  removeOldCgroups(mount);
  const base = join(mount, `${DEMO_NAME}${process.pid}`);
  const children: ChildProcess[] = [];
  const folders: string[] = [];
  makeFolder(base);
  return {
    kind: 'cgroups',
    async start(name, args) {
      const folder = join(base, name);
      makeFolder(folder);
      folders.push(folder);
      const child = spawn(process.execPath, [ACTOR, ...args], { stdio: 'ignore' });
      children.push(child);
      if (child.pid === undefined) throw new Error(`actor ${name} did not start`);
      writeFileSync(join(folder, 'cgroup.procs'), String(child.pid));
    },
    async end() {
      await Promise.all(children.map(endChild));
      for (const folder of [...folders, base]) removeCgroup(folder);
    },
  };
}

function endChild(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill();
  });
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    const remedy = 'Run the demonstration as root.';
    throw new TidegaugeError(
      { place: path, found: `the cgroup cannot be created: ${describeError(cause)}`, remedy },
      { cause, exitCode: 2 },
    );
  }
}

function cgroup2Mount(): string {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const mount = mounts.map(line => line.split(' ')).find(fields => fields[2] === 'cgroup2');
  if (mount?.[1]) return mount[1];
  throw new TidegaugeError(
    {
      place: '/proc/self/mounts',
      found: 'cgroup2 is not mounted',
      remedy: 'Run: mount -t cgroup2 none /sys/fs/cgroup',
    },
    { exitCode: 2 },
  );
}
