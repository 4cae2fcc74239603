import { afterEach, expect, it } from '@jest/globals';
import { ANSWER_MS, dockerClient, dockerVersion } from '../../../backends/docker/client.ts';
import { systemClock } from '../../../core/clock.ts';
import { dockerActors } from '../../../demo/docker.ts';
import { ManualClock } from '../../parts/clock.ts';
import { answerAsDocker, type DockerAnswering } from '../../parts/docker-answers.ts';
import { silentLog } from '../../parts/kernel/capture.ts';
import { until } from '../../parts/process.ts';

let docker: DockerAnswering | undefined;
afterEach(() => docker?.stop());

it.each(['', 'unix://'])('asks for the version at a socket written as %s…', async scheme => {
  docker = answerAsDocker({ list: [], inspect: { Version: '99.1' } });
  const client = dockerClient(`${scheme}${docker.socket}`);
  expect(client && (await dockerVersion(client, systemClock))).toBe('99.1');
});

it('has no client where Docker is off', () => {
  expect(dockerClient('off')).toBeNull();
});

it('gives up a Docker that accepts and never answers, and says so', async () => {
  docker = answerAsDocker({ list: [], hangs: () => true });
  const { requests, socket } = docker;
  const clock = new ManualClock();
  const client = dockerClient(socket);
  const asked = client && dockerVersion(client, clock).catch(String);
  await until('the question', () => requests.length > 0);
  clock.advance(ANSWER_MS);
  expect(await asked).toBe('TimeoutError: no answer within 10000 ms');
});

it('is why the demonstration then does without containers', async () => {
  docker = answerAsDocker({ list: [], hangs: () => true });
  const { requests, socket } = docker;
  const clock = new ManualClock();
  const actors = dockerActors(socket, clock, silentLog);
  await until('the question', () => requests.length > 0);
  clock.advance(ANSWER_MS);
  expect(await actors).toBeNull();
});
