import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describeError, errorCode, printable, type TidegaugeError, UsageError } from '../../core/errors.ts';
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
  throw refused(name, 'this is root (user id 0)');
}

function idsOf(name: string, what: '-u' | '-g' | '-G'): number[] {
  const { status, stdout, stderr, error } = spawnSync('id', [what, '--', name], { encoding: 'utf8' });
  if (status === 0) return stdout.trim().split(' ').map(Number);
  const remedy = `Make it: \`useradd --system --no-create-home ${name}\`, or name another one.`;
  throw refused(name, `no such account: ${error?.message ?? printable(stderr.trim())}`, remedy);
}

/**
 * Set no_new_privs: this process executes itself again through setpriv, and the kernel then denies it and all its
 * children new privileges (sudo and the like). Returns if that is already so. Call it before anything is started.
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
 * Become that user for good, with its groups and these, and without capabilities. Throws a TidegaugeError when the system
 * refuses, or when any thread could still return to root.
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
    throw refused(user.name, `this process cannot become that user: ${found}`, remedy);
  }
  refuseWayBack(user);
}

/** Verify: check what the kernel says of every thread, and try to become root again. */
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
  throw refused(name, 'some rights of root are left after the change of user');
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
  found: string,
  remedy = 'Name another user in collector.user.',
): TidegaugeError {
  return new UsageError({ place: `collector.user ${printable(name, 40)}`, found, remedy });
}
