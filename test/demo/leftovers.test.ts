import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { DEMO_NAME, removeCgroup, removeOldCgroups, removeOldData } from '../../demo/leftovers.ts';
import { describeWith } from '../parts/need.ts';
import { temporaryFolder } from '../parts/process.ts';

/** Of a process that has ended. */
const gonePid = (): number => spawnSync('true').pid;

describe('data of demonstrations', () => {
  it('that were killed are removed by the next one, those of others and of what runs stay', () => {
    const folder = temporaryFolder();
    const gone = `${DEMO_NAME}${gonePid()}-Ab12xY`;
    const kept = [`${DEMO_NAME}${process.pid}-Ab12xY`, `${DEMO_NAME}x-Ab12xY`, 'tidegauge-test-1', 'other'];
    for (const name of [gone, ...kept]) mkdirSync(join(folder.path, name));
    writeFileSync(join(folder.path, gone, 'tidegauge.db'), 'x');
    writeFileSync(join(folder.path, `${DEMO_NAME}${gonePid()}`), 'a file');
    expect(removeOldData(folder.path)).toBe(1);
    expect(readdirSync(folder.path)).toHaveLength(kept.length + 1);
    expect(existsSync(join(folder.path, gone))).toBe(false);
    folder.remove();
  });
});

describeWith(['ebpf'], 'actors of demonstrations', () => {
  it('that were killed are ended by the next one, with their cgroups', async () => {
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    const mount = mounts.map(line => line.split(' ')).find(fields => fields[2] === 'cgroup2')?.[1] ?? '';
    const parent = join(mount, `tidegauge-test-${process.pid}-leftovers`);
    const [gone, going] = [gonePid(), process.pid].map(pid => join(parent, `${DEMO_NAME}${pid}`, 'shop-db'));
    const actors = [gone, going].map(cgroup => actorIn(String(cgroup)));
    try {
      const ended = new Promise(resolve => actors[0]?.once('exit', (_, signal) => resolve(signal)));
      expect(removeOldCgroups(parent)).toBe(1);
      expect(await ended).toBe('SIGKILL');
      expect(readdirSync(parent).filter(name => name.startsWith(DEMO_NAME))).toEqual([
        `${DEMO_NAME}${process.pid}`,
      ]);
      expect(actors[1]?.exitCode).toBeNull();
    } finally {
      const over = actors.map(
        actor =>
          actor.exitCode === null &&
          actor.signalCode === null &&
          new Promise(resolve => actor.once('exit', resolve)),
      );
      for (const actor of actors) actor.kill('SIGKILL');
      await Promise.all(over);
      for (const path of [String(going), join(parent, `${DEMO_NAME}${process.pid}`), parent])
        removeCgroup(path);
    }
  });
});

function actorIn(cgroup: string): ChildProcess {
  mkdirSync(cgroup, { recursive: true });
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  writeFileSync(join(cgroup, 'cgroup.procs'), String(child.pid));
  return child;
}
