import { chownSync, existsSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../backends/files/folder.ts';
import { type Check, checkDocker } from '../collector/capture/preflight.ts';
import { localTracer, type Tracer } from '../collector/capture/tracer.ts';
import { type Helper, startHelper } from '../collector/privsep/client.ts';
import { findSetpriv } from '../collector/privsep/rights.ts';
import { becomeUser, findUser, forgoNewPrivileges, type User } from '../collector/privsep/user.ts';
import type { Config } from '../core/config/config.ts';
import { describeError, errorCode, type TidegaugeError, UsageError } from '../core/errors.ts';
import type { ProcessContext } from './process-context.ts';
import { checkAccess } from './user-access.ts';

/** Who may do what only root may. */
export interface Rights {
  readonly tracer: Tracer;
  /** Resolves when that is gone: this process can capture no more. */
  readonly lost: Promise<TidegaugeError>;
  close(): Promise<void>;
}

type Wants = Pick<ProcessContext, 'config' | 'clock' | 'log'>;

const isRoot = (): boolean => process.getuid?.() === 0;

/** For commands that capture, before anything else: executes the program again where that is needed (forgoNewPrivileges). */
export function prepareRights({ collector }: Config): void {
  if (isRoot() && collector.user !== '') forgoNewPrivileges();
}

/**
 * Divide the rights, as the last thing that this process does as root: with `collector.user` a privileged helper keeps them, and this
 * process is that user from now on. Throws a TidegaugeError when that cannot be, or when the user lacks something.
 */
export async function divideRights({ config, clock, log }: Wants): Promise<Rights> {
  const divided = await becomeCollector(config);
  if (divided === null) {
    const lost = new Promise<never>(() => undefined);
    return { tracer: localTracer(config.capture, clock), lost, close: async () => undefined };
  }
  const { helper, user } = divided;
  const missing = checkAccess(config, user).find(({ ok }) => !ok);
  if (missing) {
    await helper.close();
    throw refusal(user, missing);
  }
  log.debug({ user: user.name, helper: helper.pid, has: helper.capabilities }, 'rights are divided');
  // It may take long to find out, and is no reason not to start. A Docker that is not there is no trouble.
  void checkDocker(config.capture, clock).then(({ found, remedy }) => {
    if (found.includes('EACCES'))
      log.warn({ reason: found }, `Docker cannot be asked by ${user.name}. ${remedy}`);
  });
  return { tracer: helper, lost: helper.lost, close: () => helper.close() };
}

/** Start the helper and become the configured user; null where there is none, or this process is not root. */
export async function becomeCollector(config: Config): Promise<{ helper: Helper; user: User } | null> {
  const { user: name, groups } = config.collector;
  if (name === '' || !isRoot()) return null;
  const user = findUser(name);
  makeDataFolder(config.data, user);
  const helper = await startHelper({ config: config.capture, setpriv: findSetpriv() });
  try {
    becomeUser(user, groups);
  } catch (error) {
    await helper.close();
    throw error;
  }
  return { helper, user };
}

/** Only root can make it in most places; one that exists stays as it is. */
function makeDataFolder(data: string, user: User): void {
  if (existsSync(data)) return;
  try {
    makeFolder(dirname(data));
    makeFolder(data, 0o700);
    giveTo(user, data);
  } catch (cause) {
    const problem = {
      place: data,
      found: `the data directory cannot be created for ${user.name}: ${errorCode(cause) ?? describeError(cause)}`,
      remedy: `Create it: \`install -d -m 700 -o ${user.name} ${data}\`, or set \`data\` to another one.`,
    };
    throw new UsageError(problem, cause);
  }
}

function giveTo({ uid, gid }: User, folder: string): void {
  try {
    chownSync(folder, uid, gid);
  } catch (error) {
    // Leave nothing of root's behind that would block the next start.
    rmdirSync(folder);
    throw error;
  }
}

function refusal(user: User, { name, found, remedy }: Check): TidegaugeError {
  return new UsageError({
    place: `collector.user ${user.name}`,
    expected: `${name} that it may use`,
    found,
    remedy,
  });
}
