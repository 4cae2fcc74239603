import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { liveLine, shownLive, storedLine } from '../../../cli/commands/connections.ts';
import type { LiveConnection } from '../../../collector/capture/live-connections.ts';
import { UTC } from '../../../core/time-zone.ts';
import type { ConnectionRow } from '../../../core/traffic/connection.ts';
import { connectionJson, shownConnection } from '../../../http/api/resources/connections.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { busyParts, frameOf } from '../../data/frames.ts';
import { describeWith } from '../../parts/need.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { readableProgram } from '../../parts/readable.ts';
import { tidegauge, writeConfig } from '../../parts/tidegauge.ts';

const row = (kind: ConnectionRow['kind'], peer: string, count: number): ConnectionRow => ({
  container: 'c0000',
  kind,
  own: peer === '' ? '' : '10.0.0.2',
  peer,
  port: peer === '' ? 0 : 5432,
  clientPort: peer === '' ? 0 : 40_112,
  count,
});

describe('a connection', () => {
  const ends = { container: 'web', own: '10.0.0.1', peer: 'fd00::1' };
  const live = (kind: ConnectionRow['kind'], parts: Partial<LiveConnection> = {}) =>
    shownLive('h', { time: 0, kind, ...ends, ownPort: 5, peerPort: 80, ...parts });
  const stored = (parts: Partial<ConnectionRow>) =>
    shownConnection('h', 0, 'shop/web', {
      ...{ kind: 'opened', ...ends, port: 80, clientPort: 40_112, count: 1 },
      ...parts,
    });

  it('is one line from who opened it to who was asked', () => {
    expect(liveLine(live('opened'), UTC)).toMatch(
      /^00:00:00\.000Z +web +opened +10\.0\.0\.1:5 -> \[fd00::1\]:80$/,
    );
    expect(liveLine(live('accepted'), UTC)).toMatch(/\[fd00::1\]:80 -> 10\.0\.0\.1:5$/);
    expect(liveLine(live('accepted', { peer: '?' }), UTC)).toMatch(/ \?:80 -> 10\.0\.0\.1:5$/);
    expect(liveLine(live('failed', { container: 'a\nb\u001b' }), UTC)).not.toMatch(/\p{Cc}/u);
  });

  it('that is stored is one line with its count; of several one port of the client is told', () => {
    expect(storedLine(stored({}), UTC)).toMatch(
      /^1970-01-01T00:00:00Z +web +opened +1 {2}10\.0\.0\.1:40112 -> \[fd00::1\]:80$/,
    );
    expect(storedLine(stored({ count: 7 }), UTC)).toMatch(
      / 7 {2}10\.0\.0\.1:40112 \(one of 7\) -> \[fd00::1\]:80$/,
    );
    expect(storedLine(stored({ kind: 'accepted', peer: '', count: 1 }), UTC)).toMatch(
      / \?:40112 -> 10\.0\.0\.1:80$/,
    );
    expect(storedLine(stored({ own: '', peer: '', port: 0, clientPort: 0, count: 9 }), UTC)).toMatch(
      / 9 {2}several$/,
    );
    expect(storedLine(stored({ peer: '\u001b[31m' }), UTC)).not.toMatch(/\p{Cc}/u);
  });

  it('that an earlier version stored has no port of the client', () => {
    expect(storedLine(stored({ clientPort: 0, count: 7 }), UTC)).toMatch(
      / 7 {2}10\.0\.0\.1 -> \[fd00::1\]:80$/,
    );
  });

  it('is the same object for other programs, live and stored; what is not known is null', () => {
    const time = '1970-01-01T00:00:00.000Z';
    const asked = { destination: 'fd00::1', destination_port: 80 };
    const one = { time, host: 'h', container: 'web', kind: 'opened', count: 1, source: '10.0.0.1', ...asked };
    expect(connectionJson(live('opened'))).toEqual({ ...one, service: null, source_port: 5 });
    const several = { ...one, service: 'shop/web', source_port: 40_112, count: 3 };
    expect(connectionJson(stored({ count: 3 }))).toEqual(several);
    expect(connectionJson(live('accepted', { peer: '?', peerPort: 9 }))).toEqual({
      ...{ time, host: 'h', service: null, container: 'web', kind: 'accepted', count: 1 },
      ...{ source: null, source_port: 9, destination: '10.0.0.1', destination_port: 5 },
    });
    expect(connectionJson(stored({ own: '', peer: '', port: 0, clientPort: 0 }))).toMatchObject({
      ...{ source: null, source_port: null, destination: null, destination_port: null },
    });
  });
});

describeWith(['ebpf'], 'live connections', () => {
  it('are for root, as captures are; others are told what they can see', async () => {
    const through = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];
    const program = readableProgram();
    const child = tidegauge(['connections'], { cwd: '/', through, program });
    await child.ended(2).finally(program.remove);
    expect(child.output).toBe(
      'tidegauge: this machine: expected root, found user id 65534. Run it as root, for example with sudo. (What is stored is listed with --from.)\n',
    );
  });

  it('are one object a line for other programs, from both ends', async () => {
    const server = createServer(socket => socket.destroy());
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const child = tidegauge(['connections', '--json'], { cwd: '/' });
    const seen = () =>
      child.output
        .split('\n')
        .slice(0, -1)
        .filter(line => line.includes(`"destination_port":${port}}`))
        .map(line => JSON.parse(line));
    const isSeen = (kind: string) => seen().some(row => row.kind === kind);
    // Again and again, as nothing says when the watch has begun.
    await child.until(
      'a connection from both ends',
      () => {
        connect(port, '127.0.0.1')
          .resume()
          .on('error', () => undefined);
        return isSeen('opened') && isSeen('accepted');
      },
      50_000,
    );
    expect(await child.stop()).toBe(0);
    server.close();
    const ends = { source: '127.0.0.1', destination: '127.0.0.1', destination_port: port, count: 1 };
    for (const row of seen()) expect(row).toMatchObject({ ...ends, source_port: expect.any(Number) });
  }, 60_000);
});

describe('stored connections', () => {
  const folder = temporaryFolder();
  const list = async (...args: string[]): Promise<string[]> => {
    const child = tidegauge(['connections', ...args], { cwd: folder.path });
    await child.ended(0);
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
      '2023-11-14T22:13:20Z c0000 accepted 7 10.0.0.3:40112 (one of 7) -> 10.0.0.2:5432',
      '2023-11-14T22:13:20Z c0000 opened 2 several',
      '2023-11-14T22:13:20Z c0000 opened 1 10.0.0.2:40112 -> 10.0.0.4:5432',
      '2023-11-14T22:13:25Z c0000 failed 1 10.0.0.2:40112 -> 10.0.0.5:5432',
      '',
    ]);
  });

  it('are a list for other programs, an empty one where there are none', async () => {
    const lines = await list('--json', '--from', '2023-11-14', '--host', 'g');
    expect(JSON.parse(lines.join('\n'))).toEqual([
      {
        ...{ time: '2023-11-14T22:13:30.000Z', host: 'g', service: 'c0000', container: 'c0000' },
        ...{ kind: 'failed', count: 3 },
        ...{ source: '10.0.0.2', source_port: 40_112, destination: '10.0.0.6', destination_port: 5432 },
      },
    ]);
    expect(await list('--json', '--from', '2020-01-01', '--to', '2020-01-02')).toEqual(['[]', '']);
  });

  it('are said to be none where there are none', async () => {
    expect(await list('--from', '2020-01-01', '--to', '2020-01-02')).toEqual([
      'No connections are stored for this host and range.',
      '',
    ]);
  });

  it.each([['--to'], ['--host'], ['--service']])(
    '%s is refused without a start: it would show the present',
    async flag => {
      const child = tidegauge(['connections', flag, '1h'], { cwd: folder.path });
      await child.ended(2);
      expect(child.output).toContain(`${flag} requires --from`);
    },
  );

  it('are those of one host', async () => {
    expect((await list('--from', '2023-11-14', '--host', 'g'))[1]).toMatch(
      / 3 {2}10\.0\.0\.2:40112 \(one of 3\) -> 10\.0\.0\.6/,
    );
  });
});
