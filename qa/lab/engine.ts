import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type DockerServer, startDocker } from '../../test/parts/docker.ts';
import { Child } from '../../test/parts/process.ts';
import { JOB, MEMBERS, type Member, nameOf, OUTSIDE, PROJECT, SUBNET, WORLD_MEMBER } from './services.ts';

/** What runs inside the containers, and where they find it. */
const PROGRAMS = fileURLToPath(new URL('./inside', import.meta.url));
const INSIDE = '/lab';

/** The laboratory's containers, in a Docker Engine of their own. */
export interface LabEngine {
  /** Path of Docker's socket. */
  readonly socket: string;
  /** Start a container with a name that was never used before; it ends by itself. */
  startJob(): void;
  /** Run a second program in a container to its end; `args` follow `node intruder.ts`. Resolves with what it printed. */
  intrude(container: string, ...args: readonly string[]): Promise<string>;
  /** Make a container faulty in the way that is its own, or sound again. */
  toggleFault(container: string): void;
  pause(container: string): void;
  resume(container: string): void;
  halt(container: string): void;
  start(container: string): void;
  /** Replace a container by one of a newer image. */
  deploy(member: Member): void;
  /** Remove everything that was made. */
  stop(): Promise<void>;
}

/** Start all containers. Needs root, Docker, iptables and nsenter. */
export async function startEngine(): Promise<LabEngine> {
  const engine = await startDocker({ detached: true });
  try {
    return startContainers(engine);
  } catch (error) {
    await engine.stop();
    throw error;
  }
}

function startContainers(engine: DockerServer): LabEngine {
  const { docker } = engine;
  const network = `${PROJECT}-${process.pid}`;
  docker('network', 'create', '--subnet', `${SUBNET}.0/24`, network);
  const imageOf = (version: number) => {
    docker('tag', engine.image, `${PROJECT}:${version}`);
    return `${PROJECT}:${version}`;
  };
  const run = (member: Member, name: string, image: string, ...flags: readonly string[]) => {
    const program = ['/node', `${INSIDE}/actor.ts`, ...member.args];
    docker(...runWords(member, name, network), ...flags, image, ...program);
  };
  const runReplica = (member: Member, image: string) => {
    const name = nameOf(member);
    run(member, name, image, '--label', `com.docker.compose.container-number=${member.replica}`);
    translateOutside(engine, name);
  };
  const image = imageOf(1);
  for (const member of [WORLD_MEMBER, ...MEMBERS]) runReplica(member, image);
  let jobs = 0;
  return {
    socket: engine.socket,
    startJob() {
      jobs++;
      run(JOB, `${PROJECT}-${JOB.service}-run-${jobs}`, image, '--rm');
    },
    async intrude(container, ...args) {
      const program = ['/node', `${INSIDE}/intruder.ts`, ...args];
      const client = ['-H', `unix://${engine.socket}`, 'exec', container, ...program];
      const child = new Child('docker', client, { detached: true });
      if ((await child.exited) !== 0) throw new Error(`an intruder of ${container} failed: ${child.output}`);
      return child.output;
    },
    toggleFault: container => void docker('kill', '--signal', 'USR2', container),
    pause: container => void docker('pause', container),
    resume: container => void docker('unpause', container),
    halt: container => void docker('stop', container),
    start(container) {
      docker('start', container);
      translateOutside(engine, container);
    },
    deploy(member) {
      docker('rm', '-f', nameOf(member));
      runReplica(member, imageOf(2));
    },
    stop: () => engine.stop(),
  };
}

/** Words of `docker run` before more flags and the image. Node and the programs are this machine's own. */
function runWords({ service, address }: Member, name: string, network: string): string[] {
  return [
    ...['run', '-d', '--stop-signal', 'SIGKILL', '--name', name, '--network', network, '--ip', address],
    ...['-v', '/usr:/usr:ro', '-v', `${process.execPath}:/node:ro`, '-v', `${PROGRAMS}:${INSIDE}:ro`],
    ...[
      '--label',
      `com.docker.compose.project=${PROJECT}`,
      '--label',
      `com.docker.compose.service=${service}`,
    ],
  ];
}

/** Inside the container's network namespace only: what it sends to the outside goes to the container that is the world. */
function translateOutside(engine: DockerServer, name: string): void {
  const pid = engine.docker('inspect', '-f', '{{.State.Pid}}', name);
  const rule = ['-t', 'nat', '-A', 'OUTPUT', '-d', OUTSIDE, '-j', 'DNAT', '--to', WORLD_MEMBER.address];
  const result = spawnSync('nsenter', ['-t', pid, '-n', 'iptables', ...rule], { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`iptables in ${name}: ${result.stderr}${result.error ?? ''}`);
}
