import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describeError, errorCode, printable, TidegaugeError } from '../../core/errors.ts';
import { findSetpriv, ownRights, readRights } from './rights.ts';

/** An account of this machine. */
export interface User {
  readonly name: string;
  readonly uid: number;
  /** Its own group. */
  readonly gid: number;
  /** All that it is a member of. */
  readonly groups: readonly number[];
}

/**
 * The account of that name, from wherever the machine has its accounts. Throws a TidegaugeError when there is none, or
 * when it is root.
 */
export function findUser(name: string): User {
  const [[uid = 0], [gid = 0], groups] = [idsOf(name, '-u'), idsOf(name, '-g'), idsOf(name, '-G')];
  if (uid !== 0) return { name, uid, gid, groups };
  throw refused(name, 'an account without the rights of root', 'user id 0, which is root');
}

function idsOf(name: string, what: '-u' | '-g' | '-G'): number[] {
  const { status, stdout, stderr, error } = spawnSync('id', [what, '--', name], { encoding: 'utf8' });
  if (status === 0) return stdout.trim().split(' ').map(Number);
  const remedy = `Make it: \`useradd --system --no-create-home ${name}\`, or name another one.`;
  throw refused(name, 'an account of this machine', error?.message ?? printable(stderr.trim()), remedy);
}

/**
 * Execute this program again, in this process, where it can still gain privileges by executing others (sudo and the
 * like): the kernel then forbids that to it and all its children for ever. Returns where it is forbidden already.
 * To be called before anything was started.
 */
export function forgoNewPrivileges(): void {
  if (ownRights().noNewPrivileges) return;
  const setpriv = findSetpriv();
  if (!process.execve) throw new Error('a Node without process.execve');
  const words = [setpriv, '--no-new-privs', '--inh-caps=-all', '--'];
  process.execve(
    setpriv,
    [...words, process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    process.env,
  );
}

/**
 * Be that user from now on, for good: its groups and these, no capability left. Throws a TidegaugeError when the system
 * refuses, or when any thread has kept a way back.
 */
export function becomeUser(user: User, groups: readonly (string | number)[]): void {
  const { setgroups, setgid, setuid } = process;
  if (!setgroups || !setgid || !setuid) throw new Error('a system without users');
  try {
    setgroups([...user.groups, ...groups]);
    setgid(user.gid);
    setuid(user.uid);
  } catch (cause) {
    const found = describeError(cause);
    const remedy =
      errorCode(cause) === 'ERR_UNKNOWN_CREDENTIAL'
        ? 'Name groups of this machine in collector.groups.'
        : 'Start it with CAP_SETUID and CAP_SETGID as well.';
    throw refused(user.name, 'a user that this process may become', found, remedy);
  }
  refuseWayBack(user);
}

/** Trust nobody: look at what the kernel says of every thread, and try. */
function refuseWayBack({ name, uid }: User): void {
  const ids = [process.getuid?.(), process.geteuid?.()];
  const threads = readdirSync('/proc/self/task').map(id =>
    readFileSync(`/proc/self/task/${id}/status`, 'utf8'),
  );
  const isBare = threads.every(status => {
    const { effective, reserve } = readRights(status);
    return (effective | reserve) === 0n && new RegExp(`^Uid:(\\s+${uid}){4}$`, 'm').test(status);
  });
  if (isBare && ids.every(id => id === uid) && !canBecomeRoot()) return;
  throw refused(name, 'a process without any rights of root', 'that some are left');
}

function canBecomeRoot(): boolean {
  try {
    process.setuid?.(0);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EPERM') return false;
    throw error;
  }
}

function refused(
  name: string,
  expected: string,
  found: string,
  remedy = 'Name another user in collector.user.',
): TidegaugeError {
  return new TidegaugeError(
    { place: `collector.user ${printable(name, 40)}`, expected, found, remedy },
    { exitCode: 2 },
  );
}
