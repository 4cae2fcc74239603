import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Child, temporaryFolder } from './process.ts';

/** How to run a container of the test image. */
export interface RunOptions {
  /** Labels, such as `com.docker.compose.service`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** More arguments of `docker run`, before the image. */
  readonly flags?: readonly string[];
  /** A network made with `docker network create`; without it the container has only its own loopback. */
  readonly network?: string;
}

/** A real dockerd of our own: data in a temporary folder, no bridge, no iptables, no registry. */
export interface DockerServer {
  /** Path of its socket. */
  readonly socket: string;
  /** Process id of dockerd. */
  readonly pid: number;
  /** Tag of an image that has the host's /usr mounted at run time: perl, sh and the like are there. */
  readonly image: string;
  /** Start a container that runs a perl script (`perl -e`); returns its full id. */
  run(name: string, perlScript: string, options?: RunOptions): string;
  /** Any command of the docker client; returns its standard output, trimmed. Throws when it fails. */
  docker(...args: readonly string[]): string;
  /** Stop dockerd (its containers stop with it) and start it again on the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const IMAGE = 'tidegauge-test:1';

/** It starts containerd, which loads its plug-ins: seconds where little else runs. */
const START_MS = 60_000;

/** Start dockerd and make the image. `detached`: Ctrl-C at the terminal does not reach it. */
export async function startDocker({ detached = false } = {}): Promise<DockerServer> {
  const folder = temporaryFolder();
  const socket = join(folder.path, 'docker.sock');
  const args = ['--iptables=false', '--ip6tables=false', '--bridge=none', '--ip-forward=false'];
  args.push('--data-root', join(folder.path, 'data'), '--exec-root', join(folder.path, 'exec'));
  args.push('--pidfile', join(folder.path, 'pid'), '-H', `unix://${socket}`);

  const docker = (...command: readonly string[]) => client(socket, command);
  const start = async () => {
    const child = new Child('dockerd', args, { detached });
    const answers = () =>
      spawnSync('docker', ['-H', `unix://${socket}`, 'version'], { timeout: 10_000 }).status === 0;
    await child.until('dockerd', answers, START_MS);
    return child;
  };
  let child = await start();
  importImage(folder.path, docker);

  return {
    socket,
    get pid() {
      return child.process.pid ?? 0;
    },
    image: IMAGE,
    run(name, perlScript, options = {}) {
      const labels = Object.entries(options.labels ?? {}).flatMap(([key, value]) => [
        '--label',
        `${key}=${value}`,
      ]);
      const fixed = [
        'run',
        '-d',
        '--stop-signal',
        'SIGKILL',
        '--network',
        options.network ?? 'none',
        '-v',
        '/usr:/usr:ro',
        '--name',
        name,
      ];
      return docker(...fixed, ...labels, ...(options.flags ?? []), IMAGE, '/usr/bin/perl', '-e', perlScript);
    },
    docker,
    async restart() {
      await child.stop();
      child = await start();
    },
    async stop() {
      if (child.process.exitCode === null) {
        const remove = (ids: string, ...command: readonly string[]) =>
          ids !== '' && docker(...command, ...ids.split('\n'));
        remove(docker('ps', '-aq'), 'rm', '-f');
        // Their bridges would outlive dockerd.
        remove(docker('network', 'ls', '-q', '--filter', 'type=custom'), 'network', 'rm');
      }
      await child.stop();
      unmountBelow(folder.path);
      folder.remove();
    },
  };
}

/** dockerd leaves the name of the host's network namespace mounted. */
function unmountBelow(folder: string): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  for (const target of mounts
    .map(line => line.split(' ')[1] ?? '')
    .filter(path => path.startsWith(`${folder}/`))) {
    spawnSync('umount', ['-l', target]);
  }
}

function client(socket: string, command: readonly string[]): string {
  const result = spawnSync('docker', ['-H', `unix://${socket}`, ...command], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  if (result.status !== 0)
    throw new Error(`docker ${command.join(' ')}: ${result.stderr}${result.error ?? ''}`);
  return result.stdout.trim();
}

/** An image of empty folders and the symbolic links of a merged /usr; `docker import` needs no registry. */
function importImage(folder: string, docker: DockerServer['docker']): void {
  const root = join(folder, 'root');
  for (const name of ['usr', 'proc', 'sys', 'dev', 'etc', 'tmp'])
    mkdirSync(join(root, name), { recursive: true });
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) symlinkSync(`usr/${name}`, join(root, name));
  const tar = join(folder, 'root.tar');
  const packed = spawnSync('tar', ['-C', root, '-cf', tar, '.'], { encoding: 'utf8' });
  if (packed.status !== 0) throw new Error(`tar: ${packed.stderr}`);
  docker('import', tar, IMAGE);
}
