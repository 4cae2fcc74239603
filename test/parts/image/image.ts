import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { DockerServer } from '../docker.ts';
import { Child, temporaryFolder } from '../process.ts';
import { copyOfCheckout } from './checkout.ts';
import { unpackInstalled } from './debian.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** What the Dockerfile is `FROM`. */
const BASE = 'node:24-bookworm-slim';

/** Longest time to run the Dockerfile, ms: it unpacks some thousand files and commits them. */
const BUILT_MS = 600_000;

interface Lockfile {
  readonly packages: Readonly<
    Record<
      string,
      {
        integrity?: string;
        version?: string;
        name?: string;
        dev?: boolean;
        optional?: boolean;
      }
    >
  >;
}

/**
 * Build the image of this checkout: its Dockerfile, run by a real Docker Engine. No registry can be asked, so the image that
 * it begins with is made here: Debian's packages of this machine, the bundled Node and npm, with the production
 * dependencies of the lockfile in npm's cache.
 */
export async function buildImage(docker: DockerServer, tag: string): Promise<void> {
  const folder = temporaryFolder();
  try {
    const context = join(folder.path, 'context');
    mkdirSync(context);
    copyOfCheckout(context);
    const lockfile = withAddresses(
      JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lockfile,
    );
    writeFileSync(join(context, 'package-lock.json'), JSON.stringify(lockfile));
    importBase(docker, folder.path, lockfile);
    const flags = ['build', '--network', 'none', '--tag', tag, context];
    const build = new Child('docker', ['-H', `unix://${docker.socket}`, ...flags], {
      env: { ...process.env, DOCKER_BUILDKIT: '0' },
    });
    await build.ended(0, BUILT_MS);
  } finally {
    folder.remove();
  }
}

function importBase(docker: DockerServer, folder: string, lockfile: Lockfile): void {
  const root = join(folder, 'root');
  unpackInstalled(['bpftrace', 'apt'], root);
  const local = join(root, 'usr/local');
  for (const path of ['bin', 'lib/node_modules']) mkdirSync(join(local, path), { recursive: true });
  cpSync(process.execPath, join(local, 'bin/node'));
  const npm = dirname(dirname(realpathSync(execFileSync('which', ['npm'], { encoding: 'utf8' }).trim())));
  cpSync(npm, join(local, 'lib/node_modules/npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'));
  fillCache(join(root, 'root/.npm'), lockfile);
  for (const path of ['proc', 'sys', 'dev', 'tmp', 'etc']) mkdirSync(join(root, path), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  // Its user, as in Node's own image.
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/bash\nnode:x:1000:1000::/home/node:/bin/bash\n',
  );
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnode:x:1000:\n');
  const archive = join(folder, 'base.tar');
  execFileSync('tar', ['-C', root, '-cf', archive, '.']);
  docker.docker('import', '--change', 'ENV npm_config_offline=true', archive, BASE);
}

/**
 * npm asks nobody for what its lockfile gives address and checksum of, when its cache has it: by the checksum, so that any
 * address does.
 */
function withAddresses({ packages, ...rest }: Lockfile): Lockfile {
  const entries = Object.entries(packages).map(([path, one]) => {
    if (one.integrity === undefined) return [path, one] as const;
    return [path, { ...one, resolved: `https://registry.invalid/${nameOf(path, one)}.tgz` }] as const;
  });
  return { ...rest, packages: Object.fromEntries(entries) };
}

const nameOf = (path: string, { name }: Lockfile['packages'][string]): string =>
  name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** Copy what the lockfile needs in production out of this machine's cache, which gets first what it lacks. */
function fillCache(to: string, { packages }: Lockfile): void {
  const from = execFileSync('npm', ['config', 'get', 'cache'], { cwd: ROOT, encoding: 'utf8' }).trim();
  for (const [place, one] of Object.entries(packages)) {
    const { integrity, dev, optional, version = '' } = one;
    if (integrity === undefined || dev || optional) continue;
    const hash = Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
    const path = join('_cacache/content-v2/sha512', hash.slice(0, 2), hash.slice(2, 4), hash.slice(4));
    if (!existsSync(join(from, path)))
      execFileSync('npm', ['cache', 'add', `${nameOf(place, one)}@${version}`], { cwd: ROOT });
    cpSync(join(from, path), join(to, path));
  }
}
