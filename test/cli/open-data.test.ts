import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeStore } from '../../app/wire.ts';
import { load } from '../../cli/context.ts';
import { systemClock } from '../../core/clock.ts';
import { busyParts, frameOf } from '../data/frames.ts';
import { recordingLog } from '../parts/log.ts';
import { temporaryFolder } from '../parts/process.ts';
import { tidegauge, writeConfig } from '../parts/tidegauge.ts';

describe('a host that has no frames', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(async () => {
    folder = temporaryFolder();
    writeConfig(folder.path, { host: 'desk', data: folder.path });
    const { config } = load({ config: `${folder.path}/tidegauge.yaml` });
    const store = makeStore(config, recordingLog().log);
    await store.open();
    const start = systemClock.now() - 60_000;
    for (const host of ['web-1', 'web-\u001b2'])
      await store.writeFrames([{ ...frameOf(host, 0, busyParts(1)), start, previous: null }]);
    await store.close();
  });
  afterEach(() => folder.remove());

  it.each([
    ['map', []],
    ['connections', ['--from', '1h']],
    ['traffic', ['--from', '1h']],
    ['review', ['--host', 'desk']],
  ])('is told by %s, with those that have some', async (command, args) => {
    const child = tidegauge([command, ...args], { cwd: folder.path });
    expect(await child.exited).toBe(0);
    expect(child.output).toMatch(/no frames of (a )?host "?desk"? are stored.*web-\\x1b2"?, "?web-1/);
  });

  it('and no state is told by incidents that frames are stored, and what judges them', async () => {
    const child = tidegauge(['incidents'], { cwd: folder.path });
    expect(await child.exited).toBe(0);
    expect(child.output).toContain(
      `tidegauge: ${folder.path}/state.db is missing: no incidents, messages or silences are known. Frames are stored: \`tidegauge review\` judges them`,
    );
    expect(child.output).not.toContain('no data');
  });

  it('is no matter where the host has some', async () => {
    const child = tidegauge(['map', '--host', 'web-1'], { cwd: folder.path });
    expect(await child.exited).toBe(0);
    expect(child.output).not.toContain('--host');
  });
});
