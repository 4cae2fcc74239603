import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { dockerClient, dockerVersion } from '../backends/docker/client.ts';
import type { Clock } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { ACTOR, type ActorRunner } from './actor-runner.ts';

const IMAGE = 'tidegauge-demo';
const TAG = 'local';
/** The actors' script in a container. */
const INSIDE = `/actor${extname(ACTOR)}`;
/** Folders of the host that Node needs; the image itself is empty, so no registry is asked. */
const SHARED = ['/usr', '/lib', '/lib64'];

/** Actors in real containers, made from nothing but this host's own files; null where there is no Docker Engine. */
export async function dockerActors(setting: string, clock: Clock, log: Log): Promise<ActorRunner | null> {
  const docker = dockerClient(setting);
  if (docker === null) return null;
  try {
    await dockerVersion(docker, clock);
    await importEmptyImage(docker);
  } catch (error) {
    log.debug({ error: describeError(error) }, 'no Docker Engine, using plain cgroups');
    return null;
  }
  const containers: Docker.Container[] = [];
  return {
    kind: 'containers',
    async start(name, args) {
      await removeOld(docker, name);
      const container = await docker.createContainer({
        name,
        Image: `${IMAGE}:${TAG}`,
        Cmd: ['/node', INSIDE, ...args],
        Labels: { 'tidegauge.demo': 'true' },
        HostConfig: { NetworkMode: 'host', Binds: binds(), AutoRemove: true },
      });
      containers.push(container);
      await container.start();
    },
    async end() {
      await Promise.all(
        containers.map(container =>
          container.remove({ force: true }).catch(error => {
            log.debug({ error: describeError(error) }, 'container was gone already');
          }),
        ),
      );
    },
  };
}

function binds(): string[] {
  const folders = SHARED.filter(folder => existsSync(folder)).map(folder => `${folder}:${folder}:ro`);
  return [...folders, `${process.execPath}:/node:ro`, `${ACTOR}:${INSIDE}:ro`];
}

/** A container of an earlier demonstration, and only such a one, makes room for the new one. */
async function removeOld(docker: Docker, name: string): Promise<void> {
  const old = await docker.listContainers({
    all: true,
    filters: { label: ['tidegauge.demo=true'], name: [`^/${name}$`] },
  });
  for (const { Id } of old) await docker.getContainer(Id).remove({ force: true });
}

async function importEmptyImage(docker: Docker): Promise<void> {
  const archive = pack();
  for (const name of [...SHARED.map(folder => folder.slice(1)), 'tmp', 'proc', 'dev', 'sys', 'etc']) {
    archive.entry({ name, type: 'directory', mode: 0o755 });
  }
  archive.finalize();
  const answer = await docker.importImage(archive as unknown as NodeJS.ReadableStream, {
    repo: IMAGE,
    tag: TAG,
  });
  await new Promise((resolve, reject) => answer.resume().once('end', resolve).once('error', reject));
}
