import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type DockerServer, startDocker } from '../../parts/docker.ts';
import { describeWith } from '../../parts/need.ts';
import { until } from '../../parts/process.ts';

describeWith(['docker'], 'the dockerd of the tests', () => {
  let server: DockerServer;
  beforeAll(async () => {
    server = await startDocker();
  });
  afterAll(async () => {
    await server.stop();
  });

  it('runs perl in a container without a registry', async () => {
    const id = server.run('hello', '$| = 1; print "hi from $$\\n"; sleep 60', { labels: { a: 'b' } });
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await until('output', () => server.docker('logs', 'hello') || false)).toBe('hi from 1');
    expect(server.docker('inspect', '-f', '{{json .Config.Labels}}', 'hello')).toBe('{"a":"b"}');
  });

  it('starts again on the same data', async () => {
    server.run('kept', 'sleep 60');
    await server.restart();
    expect(server.docker('ps', '-aq', '--filter', 'name=kept')).not.toBe('');
  });
});
