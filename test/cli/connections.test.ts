import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ConnectionRow } from '../../core/connection.ts';
import { SqliteStore } from '../../store/sqlite/store.ts';
import { busyParts, frameOf } from '../parts/frames.ts';
import { describeWith } from '../parts/need.ts';
import { temporaryFolder } from '../parts/process.ts';
import { tidegauge, writeConfig } from '../parts/tidegauge.ts';

const row = (kind: ConnectionRow['kind'], peer: string, count: number): ConnectionRow => ({
  container: 'c0000',
  kind,
  own: peer === '' ? '' : '10.0.0.2',
  peer,
  port: peer === '' ? 0 : 5432,
  count,
});

describeWith(['ebpf'], 'live connections', () => {
  it('are for root, as captures are; others are told what they can see', async () => {
    const through = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];
    const child = tidegauge(['connections'], { cwd: '/', through });
    expect(await child.exited).toBe(2);
    expect(child.output).toBe(
      'tidegauge: this machine: expected root, found user id 65534. Run it as root, for example with sudo. (What is stored is listed with --from.)\n',
    );
  });
});

describe('stored connections', () => {
  const folder = temporaryFolder();
  const list = async (...args: string[]): Promise<string[]> => {
    const child = tidegauge(['connections', ...args], { cwd: folder.path });
    expect(await child.exited).toBe(0);
    return child.output.split('\n');
  };
  beforeAll(async () => {
    writeConfig(folder.path, { data: folder.path, host: 'h', store: { sqlite: { file: 'c.db' } } });
    const store = new SqliteStore(join(folder.path, 'c.db'));
    await store.open();
    const connections = [row('accepted', '10.0.0.3', 7), row('opened', '', 2), row('opened', '10.0.0.4', 1)];
    await store.writeFrames([
      frameOf('h', 0, { ...busyParts(1), connections }),
      frameOf('h', 1, { ...busyParts(1), connections: [row('failed', '10.0.0.5', 1)] }),
      frameOf('g', 2, { ...busyParts(1), connections: [row('failed', '10.0.0.6', 3)] }),
    ]);
    await store.close();
  });
  afterAll(folder.remove);

  it('of a range are listed interval by interval, from who opened them to who was asked', async () => {
    const [header, ...lines] = await list('--from', '2023-11-14T22:13:20Z', '--to', '2023-11-14T22:14:00Z');
    expect(header).toMatch(/^interval \(UTC\) .* count +from -> to$/);
    expect(lines.map(line => line.replace(/ +/g, ' '))).toEqual([
      '2023-11-14T22:13:20Z c0000 accepted 7 10.0.0.3 -> 10.0.0.2:5432',
      '2023-11-14T22:13:20Z c0000 opened 2 several',
      '2023-11-14T22:13:20Z c0000 opened 1 10.0.0.2 -> 10.0.0.4:5432',
      '2023-11-14T22:13:25Z c0000 failed 1 10.0.0.2 -> 10.0.0.5:5432',
      '',
    ]);
  });

  it('are said to be none where there are none', async () => {
    expect(await list('--from', '2023-11-14', '--host', 'nobody')).toEqual([
      'No connections are stored for this host and range.',
      '',
    ]);
  });

  it('are those of one host', async () => {
    expect((await list('--from', '2023-11-14', '--host', 'g'))[1]).toMatch(
      / 3 {2}10\.0\.0\.2 -> 10\.0\.0\.6/,
    );
  });
});
