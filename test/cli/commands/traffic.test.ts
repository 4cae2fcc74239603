import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { trafficLine } from '../../../cli/commands/traffic.ts';
import { UTC } from '../../../core/time-zone.ts';
import { RollupBuilder } from '../../../core/traffic/rollup.ts';
import { type TrafficRow, trafficJson } from '../../../http/api/resources/traffic.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { busyParts, frameOf } from '../../data/frames.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { tidegauge, writeConfig } from '../../parts/tidegauge.ts';
import { NASTY } from '../../store/arbitrary.ts';

/** A container's traffic in a bucket of one frame. */
function rowOf(name = 'c0000', faults: 'lost-events'[] = []): TrafficRow {
  const { containers, windows } = busyParts(1);
  const frame = frameOf('h', 0, {
    containers: containers.map(container => ({ ...container, name })),
    windows: windows.map(window => ({ ...window, container: name })),
    faults,
  });
  const builder = new RollupBuilder('h', frame.start);
  builder.addFrame(frame);
  const rollup = builder.build();
  const [sum] = rollup.traffic;
  if (!sum) throw new Error('no traffic');
  return { host: rollup.host, start: rollup.start, sum };
}

describe('a row of traffic', () => {
  it('has rates over the time that was watched, and says when that was not all', () => {
    const { sum, ...row } = rowOf();
    const half = { ...sum, send: { ...sum.send, bytes: 10_240 }, receive: { ...sum.receive, bytes: 0 } };
    expect(trafficLine({ ...row, sum: half }, UTC)).toMatch(
      /^2023-11-14T22:13:20Z +c0000 +2 KiB +0 B {2}5s$/,
    );
    expect(trafficLine(rowOf('c0000', ['lost-events']), UTC)).toMatch(/ 5s, incomplete$/);
  });

  it('is one line, whatever the name; other programs are told it as it is', () => {
    for (const name of NASTY) {
      const row = rowOf(name);
      expect(trafficLine(row, UTC)).not.toMatch(/\p{Cc}/u);
      const { send: sent, receive: received } = row.sum;
      expect(trafficJson(row)).toMatchObject({ container: name, sent, received });
    }
  });
});

describe('stored traffic', () => {
  const folder = temporaryFolder();
  const list = async (...args: string[]): Promise<{ code: number | null; lines: string[] }> => {
    const child = tidegauge(['traffic', '--from', '2023-11-14T22:00Z', ...args], { cwd: folder.path });
    return { code: await child.exited, lines: child.output.trimEnd().split('\n') };
  };
  beforeAll(async () => {
    writeConfig(folder.path, { data: folder.path, host: 'h', store: { sqlite: { file: 't.db' } } });
    const store = new SqliteStore(join(folder.path, 't.db'));
    await store.open();
    // An hour, of which the tiers have the minutes and the bucket before 23:00.
    const frames = Array.from({ length: 720 }, (_, n) => frameOf('h', n, busyParts(2)));
    await store.writeFrames(frames);
    await store.rollUp('h', { from: 1_699_999_200_000, to: 1_700_002_800_000 });
    await store.close();
  });
  afterAll(folder.remove);

  type Row = { container: string; sent: { bytes: number }; received: { bytes: number } };
  const jsonOf = async (...args: string[]) =>
    JSON.parse((await list('--json', ...args)).lines.join('\n')) as Row[];

  it('is listed step by step, the sums the same in every step', async () => {
    const { code, lines } = await list('--container', 'c0000');
    expect(code).toBe(0);
    expect(lines.map(line => line.split('  ')[0])).toEqual([
      'from (UTC)',
      '2023-11-14T22:00:00Z',
      '2023-11-14T23:00:00Z',
    ]);
    const bytesBy = async (step: string) =>
      (await jsonOf('--step', step)).reduce((sum, row) => sum + row.sent.bytes + row.received.bytes, 0);
    const expected = busyParts(2).windows.reduce((sum, { bytes }) => sum + bytes, 0) * 720;
    expect([await bytesBy('1h'), await bytesBy('1m'), await bytesBy('7s')]).toEqual([
      expected,
      expected,
      expected,
    ]);
  });

  it('is that of the containers and of the host that are asked for', async () => {
    const names = async (...args: string[]) => (await jsonOf(...args)).map(row => row.container);
    expect(new Set(await names())).toEqual(new Set(['c0000', 'c0001']));
    expect(new Set(await names('--container', '*1'))).toEqual(new Set(['c0001']));
    expect((await list('--container', 'c0o00')).lines.sort()).toEqual([
      'No traffic is stored for this host, range and container.',
      'tidegauge: no container of 2 is named "c0o00" (did you mean "c0000"?)',
    ]);
    expect((await list('--host', 'nobody', '--json')).lines.sort()).toEqual([
      '[]',
      'tidegauge: no frames of a host "nobody" are stored (there are "h")',
    ]);
  });

  it.each(['0s', 'hour', '0.1ms', '-1h'])('in steps of %s is refused', async step => {
    const { code, lines } = await list(`--step=${step}`);
    expect([code, lines]).toEqual([
      2,
      [
        expect.stringContaining(
          `--step: expected a duration with a unit, such as 1h, 1m or 5s, found ${step}.`,
        ),
      ],
    ]);
  });
});
