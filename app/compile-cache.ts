import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Have Node keep what it makes of our sources, without types and compiled, which is most of the time that a command takes
 * to start. To be called before anything large is loaded. Where nothing can be kept, commands start as slowly as without.
 */
export function keepCompiled(): void {
  const uid = process.getuid?.();
  const own = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = uid === undefined ? null : cacheFolder(ROOT, own, uid);
  if (folder !== null) enableCompileCache(folder);
}

/**
 * Where to keep it, made if need be: beside the sources in `root`, else in the user's `own` cache; null: nowhere.
 *
 * Whoever may write there has us run theirs. So it is a folder of this user alone, and never, as Node would by itself, the
 * folder for temporary files of all. Root has no cache of its own: HOME may be that of who called sudo.
 */
export function cacheFolder(root: string, own: string, uid: number): string | null {
  const beside = privateFolder(join(root, '.cache', `compiled-${uid}`), uid);
  return beside ?? (uid === 0 ? null : privateFolder(join(own, 'tidegauge'), uid));
}

function privateFolder(path: string, uid: number): string | null {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK);
    const found = statSync(path);
    return found.uid === uid && (found.mode & 0o022) === 0 ? path : null;
  } catch {
    return null;
  }
}
