import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { makeStore } from '../../app/wire.ts';
import { load } from '../../cli/context.ts';
import { rulesInStore } from '../../cli/rules/rules-in-store.ts';
import { systemClock } from '../../core/clock.ts';
import { busyParts, frameOf } from '../data/frames.ts';
import { recordingLog } from '../parts/log.ts';
import { freePort, temporaryFolder } from '../parts/process.ts';
import { tidegauge, writeConfig } from '../parts/tidegauge.ts';

describe('rules and the containers of the store', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());
  const { log } = recordingLog();

  /** A configuration with a rule for this pattern. */
  const configured = (container: string, more: object = {}) => {
    const rule = { use: 'threshold', name: 'uplink', above: '1MiB/s', match: { container } };
    writeConfig(folder.path, { data: folder.path, detectors: [rule], ...more });
    return load({ config: join(folder.path, 'tidegauge.yaml') }).config;
  };
  const fill = async () => {
    const store = makeStore(configured('*'), log);
    await store.open();
    const frame = frameOf('web-1', 0, busyParts(2));
    const start = systemClock.now() - 60_000;
    await store.writeFrames([{ ...frame, start, previous: null }]);
    // The newest one is ahead of a backlog: it cannot be read yet.
    await store.writeFrames([{ ...frame, start: start + 30_000, previous: start }], { ahead: true });
    await store.close();
    return frame.containers.map(({ name }) => name);
  };

  it('are compared where there are some', async () => {
    expect(await rulesInStore(configured('web-*'), log)).toEqual([
      'rules were not compared with stored containers: nothing is stored yet',
    ]);
    const [name = '', other] = await fill();
    expect(await rulesInStore(configured(name), log)).toEqual([
      `in the newest stored frames 1 of 2 containers is covered by no rule: ${other}`,
    ]);
    expect(await rulesInStore(configured(`${name.slice(0, -1)}?`), log)).toEqual([]);
    const mistyped = `${name.slice(0, -1)}~`;
    expect(await rulesInStore(configured(mistyped), log)).toEqual([
      expect.stringMatching(/^in the newest stored frames rule uplink matches no containers: .*did you mean/),
      expect.stringMatching(/^in the newest stored frames 2 of 2 containers are covered by no rule: /),
    ]);
  });

  it('that is away are no mistake, and are not asked when every rule matches everything', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const away = { store: { kind: 'influx', influx: { url } } };
    expect(await rulesInStore(configured('*', away), log)).toEqual([]);
    expect(await rulesInStore(configured('web', away), log)).toEqual([
      expect.stringMatching(/^rules were not compared with stored containers: .*127\.0\.0\.1/),
    ]);
  });

  it('are compared by review too, over the reviewed range', async () => {
    await fill();
    configured('nobody-*');
    const review = async (...range: string[]) => {
      const child = tidegauge(['review', ...range], { cwd: folder.path });
      await child.ended(0);
      return child.output;
    };
    expect(await review('--from', '1h')).toContain('rule uplink matches no containers: none of 2');
    expect(await review('--from', '2h', '--to', '1h')).not.toContain('matches no containers');
  });

  it('are told for one of these containers by check --container', async () => {
    const [name = '', other = ''] = await fill();
    const rule = { use: 'threshold', above: '1MiB/s' };
    const detectors = [
      { ...rule, name: 'all', overrides: [{ match: { container: name }, above: '2MiB/s' }] },
      { ...rule, name: 'others', match: { not: { container: name } } },
    ];
    configured('*', { detectors });
    const check = async (...flags: string[]) => {
      const child = tidegauge(['check', ...flags], { cwd: folder.path });
      return { code: await child.exited, output: child.output };
    };
    const { code, output } = await check('--container', name);
    expect(code).toBe(0);
    expect(parse(output)).toMatchObject({
      ...{ container: name, host: 'web-1', kind: 'container' },
      rules: [
        { name: 'all', judges: true, options_from: 'overrides 1 of 1', options: { above: '2097152B/s' } },
        { name: 'others', judges: false, because: `\`not\` leaves it out: container "${name}"` },
      ],
    });
    const overrides = [{ match: { container: name }, sensitivity: '1/year' }];
    configured('*', { detectors: [{ use: 'auto', sensitivity: '1/month', overrides }] });
    expect(parse((await check('--container', name)).output)).toMatchObject({
      rules: [
        { name: 'traffic', options: { sensitivity: '1 false alert per container per year' } },
        { name: 'siblings', options: { sensitivity: expect.any(String) } },
        { name: 'gone' },
        { name: 'scan' },
        { name: 'beacon' },
      ],
    });
    expect((await check()).output).toContain(
      '# warning: rule traffic: sensitivity 1 false alert per container per year: limits are as high as they go',
    );
    const mistyped = await check('--container', `${name}0`, '--host', 'web-1');
    expect(mistyped.code).toBe(2);
    expect(mistyped.output).toMatch(
      /none of 2 containers in the newest stored frames of web-1 has this name/,
    );
    configured(other);
    expect((await check()).output).toContain(
      `# warning: in the newest stored frames 1 of 2 containers is covered by no rule: ${name}\n`,
    );
  });
});
