import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { ROOT_DATA } from '../app/process-context.ts';
import { describeError, errorCode, printable, TidegaugeError } from '../core/errors.ts';
import type { FrameStore } from '../store/contract.ts';
import type { Context } from './context.ts';

/**
 * For commands that only read: is the database there? When it is not, says so and where else there may be data, on
 * standard error. `file`: null for a server, which says for itself. Throws a TidegaugeError when this user may not look.
 */
export function hasData({ config }: Pick<Context, 'config'>, file: string | null): boolean {
  if (file === null) return true;
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT') throw unreadable(file, cause);
    note(`no data in ${printable(dirname(file))} yet`);
    hintElsewhere(config.data);
    return false;
  }
}

/** Nothing was found: perhaps because root's data are elsewhere. */
export function hintElsewhere(data: string, root = ROOT_DATA): void {
  if (data === root || !existsSync(root)) return;
  const asRoot = process.getuid?.() === 0 ? '' : 'run this as root (sudo), or ';
  note(`${root} exists: to read that, ${asRoot}set TIDEGAUGE_DATA=${root}`);
}

/** Hosts named at most. */
const HOSTS_NAMED = 10;

/** Nothing was found of this host: perhaps because it is another one. Says which are stored, on standard error. */
export async function hintHost(store: Pick<FrameStore, 'hosts'>, host: string): Promise<void> {
  const hosts = await store.hosts();
  if (hosts.length === 0 || hosts.includes(host)) return;
  const more = hosts.length > HOSTS_NAMED ? ` and ${hosts.length - HOSTS_NAMED} more` : '';
  const names = hosts.slice(0, HOSTS_NAMED).map(name => printable(name, 60));
  note(
    `no frames of host ${printable(host, 60)} are stored; name another one with --host: ${names.join(', ')}${more}`,
  );
}

function unreadable(file: string, cause: unknown): TidegaugeError {
  return new TidegaugeError(
    {
      place: file,
      expected: 'a file that this user may read',
      found: describeError(cause),
      remedy: 'Run it as root, for example with sudo.',
    },
    { cause, exitCode: 2 },
  );
}

const note = (text: string): unknown => process.stderr.write(`tidegauge: ${text}\n`);
