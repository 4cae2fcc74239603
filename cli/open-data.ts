import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { ROOT_DATA } from '../app/process-context.ts';
import { filesOf, makeState, makeStore } from '../app/wire.ts';
import type { Config } from '../core/config/config.ts';
import { describeFileError, errorCode, printable, type TidegaugeError, UsageError } from '../core/errors.ts';
import type { StoreReader } from '../http/api/resources/story/peers.ts';
import type { State } from '../state/contract.ts';
import type { Store } from '../store/contract.ts';
import type { Context } from './context.ts';

/** Runs `action` on what can be closed, and closes it whatever happens. */
export async function using<T extends { close(): Promise<void> }, R>(
  opening: T | Promise<T>,
  action: (opened: T) => Promise<R>,
): Promise<R> {
  const opened = await opening;
  try {
    return await action(opened);
  } finally {
    await opened.close();
  }
}

/**
 * For commands that read the store: opens it, runs `action` and closes it. Without a database `onNoData` is called
 * instead. Returns the exit code.
 */
export async function readStore(
  context: Context,
  action: (store: Store) => Promise<unknown>,
  onNoData: () => void = () => undefined,
): Promise<number> {
  const { config, log } = context;
  refuseServer(config);
  if (!hasData(config.data, filesOf(config).store)) onNoData();
  else
    await using(makeStore(config, log, { readOnly: true }), async store => {
      await store.open();
      await action(store);
    });
  return 0;
}

/** The same for what only adds to an answer: it rejects where the store cannot be read. */
export const storeReader =
  ({ config, log }: Context): StoreReader =>
  action =>
    using(makeStore(config, log, { readOnly: true }), async store => {
      await store.open();
      return action(store);
    });

/** The same for the state. With `write`, a missing database is a failure: exit code 1. */
export async function openState(
  context: Context,
  access: 'read' | 'write',
  action: (state: State) => Promise<unknown>,
  onNoData: () => void = () => undefined,
): Promise<number> {
  const { config, clock, log } = context;
  refuseServer(config);
  const files = filesOf(config);
  if (!hasData(config.data, files.state, files.store)) {
    onNoData();
    return access === 'read' ? 0 : 1;
  }
  return using(makeState(config, clock, log, { readOnly: access === 'read' }), async state => {
    await state.open();
    await action(state);
    return 0;
  });
}

/** What was asked of a server must not be answered from the data of this machine. */
function refuseServer({ server }: Config): void {
  if (server.url === '') return;
  throw new UsageError({
    place: 'server.url',
    found: `this command reads store and state itself, and cannot ask ${server.url}`,
    remedy: 'Run it where they are, or without `server.url` (TIDEGAUGE_SERVER_URL).',
  });
}

/**
 * True when the database exists. When not, says so on standard error, and where else there may be data. `file`: null
 * for a server, which answers for itself. `frames`: of the state, the file of the frames that it was made from. Throws a
 * TidegaugeError when this user must not read the file.
 */
function hasData(data: string, file: string | null, frames: string | null = null): boolean {
  const reason = unreadable(file);
  if (reason === null) return true;
  if (errorCode(reason) !== 'ENOENT') throw notReadable(String(file), reason);
  if (frames !== null && existsSync(frames)) {
    note(
      `${printable(String(file))} is missing: no incidents, messages or silences are known. Frames are stored: \`tidegauge review\` judges them`,
    );
    return false;
  }
  note(`no data in ${printable(dirname(String(file)))} yet`);
  hintElsewhere(data);
  return false;
}

/** Why a file cannot be read: a system error; null when it can be, or when there is none to read. */
export function unreadable(file: string | null): unknown {
  try {
    if (file !== null) accessSync(file, constants.R_OK);
    return null;
  } catch (error) {
    return error;
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

/** Nothing was found for this host: names the hosts that are stored, on standard error. */
export async function hintHost(store: Pick<Store, 'hosts'>, host: string): Promise<void> {
  const hosts = await store.hosts();
  if (hosts.length === 0 || hosts.includes(host)) return;
  const more = hosts.length > HOSTS_NAMED ? ` and ${hosts.length - HOSTS_NAMED} more` : '';
  const names = hosts.slice(0, HOSTS_NAMED).map(name => printable(name, 60));
  note(
    `no frames of host ${printable(host, 60)} are stored; name another one with --host: ${names.join(', ')}${more}`,
  );
}

const notReadable = (file: string, cause: unknown): TidegaugeError =>
  new UsageError(
    {
      place: file,
      found: `it cannot be read: ${describeFileError(cause, 'read')}`,
      remedy: 'Run the command as root, for example with sudo.',
    },
    cause,
  );

/** A hint for people, beside the log. */
export const note = (text: string): unknown => process.stderr.write(`tidegauge: ${text}\n`);
