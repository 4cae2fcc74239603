import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Dependencies that are followed; the rest of `apt-cache depends` is left out. */
const ONLY_NEEDED = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
  kind => `--no-${kind}`,
);

/** What a program does not need, and images are slimmed of. */
const UNNEEDED = /^usr\/share\/(?:doc|man|locale|info|lintian)\//;

/**
 * Fill an empty folder with these packages of this machine and those that every Debian has, with all that they depend on, as
 * if `debootstrap` had unpacked them: it needs no network. To `apt-get` they are installed, and no others known.
 */
export function unpackInstalled(packages: readonly string[], root: string): void {
  const names = closureOf([...packages, ...required()]);
  const files = new Set(
    output('dpkg-query', ['-L', ...names])
      .split('\n')
      .filter(line => line.startsWith('/') && line !== '/.')
      // Where /bin is a link to usr/bin its files are packed by their real names.
      .map(path => path.slice(1).replace(/^(bin|sbin|lib\w*)\//, 'usr/$1/'))
      .filter(path => !UNNEEDED.test(path))
      // What the administrator of this machine has left out or removed.
      .filter(path => lstatSync(`/${path}`, { throwIfNoEntry: false }) !== undefined),
  );
  for (const link of ['bin', 'sbin', 'lib', 'lib64']) files.add(link);
  mkdirSync(root, { recursive: true });
  const copy = 'tar -C / --no-recursion --null --files-from=- -c | tar -C "$0" -x';
  execFileSync('sh', ['-c', copy, root], { input: [...files].sort().join('\0') });

  const isWanted = (entry: string) => names.has(/^Package: (.*)$/m.exec(entry)?.[1] ?? '');
  const entries = readFileSync('/var/lib/dpkg/status', 'utf8').split('\n\n').filter(isWanted);
  writeFileSync(join(root, 'var/lib/dpkg/status'), entries.map(entry => `${entry}\n\n`).join(''));
}

/** Names of the packages that every Debian has. */
function required(): string[] {
  const listed = output('dpkg-query', ['-W', '-f', `\${Package} \${Priority} \${Essential}\n`]);
  return listed.split('\n').flatMap(line => {
    const [name = '', priority, essential] = line.split(' ');
    return priority === 'required' || essential === 'yes' ? [name] : [];
  });
}

/** These packages and what they depend on, as far as it is installed here. */
function closureOf(packages: readonly string[]): Set<string> {
  const depends = output('apt-cache', ['depends', '--recurse', '--installed', ...ONLY_NEEDED, ...packages]);
  const here = output('dpkg-query', ['-W', '-f', `\${db:Status-Status} \${Package}\n`]).split('\n');
  const installed = new Set(here.filter(line => line.startsWith('installed ')).map(line => line.slice(10)));
  return new Set(depends.split('\n').filter(line => installed.has(line)));
}

const output = (command: string, args: readonly string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 2 ** 26 });
