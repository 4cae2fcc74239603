import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '../../core/clock.ts';
import type { State } from '../../state/contract.ts';
import { createSqliteState } from '../../state/sqlite/state.ts';
import { trickleScript } from '../data/traffic.ts';
import { type DockerServer, startDocker } from '../parts/docker.ts';
import { describeWith } from '../parts/need.ts';
import { type Child, temporaryFolder } from '../parts/process.ts';
import { type Hook, startHook, tidegauge, writeConfig } from '../parts/tidegauge.ts';

/** More than the trickle can come to, by the limit, and less than a mark can make of it. */
const BURST = 40;

/** A real container, a real `run`, and a person at another terminal. */
describeWith(['docker', 'ebpf'], 'marks while `tidegauge run` watches', () => {
  const folder = temporaryFolder();
  let docker: DockerServer;
  let hook: Hook;
  let run: Child;
  let state: State;

  beforeAll(async () => {
    [docker, hook] = await Promise.all([startDocker(), startHook()]);
    docker.run('trickle', trickleScript(3));
    writeConfig(folder.path, {
      host: 'box',
      data: join(folder.path, 'data'),
      capture: { interval: '500ms', docker: docker.socket },
      // Its trickle is always above the limit, up to 16 times so, and its burst more than 100 times.
      detectors: [{ use: 'threshold', name: 'limit', direction: 'send', above: '2kB/s', for: '0s' }].map(
        rule => ({ ...rule, match: { container: 'trickle' } }),
      ),
      alert: { resolve_after: '2s', reopen_within: '0s' },
      receivers: [{ use: 'webhook', name: 'hook', url: hook.url }],
    });
    run = tidegauge(['run', '--record', 'run.ndjson'], { cwd: folder.path });
    state = createSqliteState({ file: join(folder.path, 'data', 'state.db'), clock: systemClock });
  });
  afterAll(async () => {
    await run?.stop('SIGKILL');
    await state?.close();
    await docker?.stop();
    await hook?.stop();
    folder.remove();
  });

  async function type(...args: string[]): Promise<string> {
    const child = tidegauge(args, { cwd: folder.path });
    await child.ended(0);
    return child.output;
  }
  /** What was raised, oldest first. */
  const incidents = async () =>
    (await state.incidents({ from: 0, to: Number.MAX_SAFE_INTEGER }, 10)).reverse();
  const told = () => hook.bodies.map(({ status }) => status);
  const toTell = (...statuses: string[]) =>
    run.until(`${statuses.at(-1)} to be told`, () => told().length >= statuses.length, 90_000);

  it('move the limit from the next frame on: what fired ends, stays quiet, and fires again when they are taken back', async () => {
    await toTell('firing');
    await state.open();
    docker.docker('kill', '-s', 'USR1', 'trickle');
    const burst = await run.until(
      'the burst to be seen',
      async () => {
        const [shown] = await incidents();
        return shown !== undefined && shown.score > BURST && shown;
      },
      90_000,
    );
    expect(await type('incident', 'mark', burst.id, '--expected', '--note', 'a test')).toMatch(
      /^ {2}limit \(bytes sent\) of service .*: \d+ times as tolerant as calibrated/m,
    );
    // No end would ever come by itself: the trickle goes on.
    await toTell('firing', 'resolved');
    expect(await incidents()).toMatchObject([{ id: burst.id }]);
    expect(await state.marks('box')).toMatchObject([{ kind: 'expected', note: 'a test' }]);

    await type('incident', 'mark', burst.id, '--undo');
    await toTell('firing', 'resolved', 'firing');
    await type('incident', 'mark', burst.id, '--expected');
    await toTell('firing', 'resolved', 'firing', 'resolved');
    expect(told()).toEqual(['firing', 'resolved', 'firing', 'resolved']);
  });

  it('find the same in a review, and in a replay that is given them', async () => {
    expect(await run.stop('SIGTERM')).toBe(0);
    const live = JSON.parse(await type('incidents', '--json')) as { mark?: unknown }[];
    const mark = expect.objectContaining({ kind: 'expected', from: expect.any(String) });
    expect(live.map(one => one.mark)).toEqual([mark, undefined]);
    const found = live.map(({ mark: _, ...incident }) => incident);
    const [review] = JSON.parse(await type('review', '--json')) as { incidents: unknown }[];
    expect(review?.incidents).toEqual(found);
    writeFileSync(join(folder.path, 'marks.json'), await type('incident', 'marks', '--json'));
    const replay = await type('replay', 'run.ndjson', '--json', '--marks', 'marks.json');
    expect(JSON.parse(replay)).toEqual(found);
  });
});
