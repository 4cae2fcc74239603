import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../core/clock.ts';
import type { ConnectionRow } from '../../core/traffic/connection.ts';
import type { Flow } from '../../core/traffic/flow.ts';
import { createSqliteState } from '../../state/sqlite/state.ts';
import { SqliteStore } from '../../store/sqlite/store.ts';
import { busyParts, frameOf } from '../data/frames.ts';
import { ackOf, incidentOf, notificationOf } from '../data/incidents.ts';
import { newMarkOf } from '../data/marks.ts';
import { temporaryFolder } from '../parts/process.ts';
import { writeConfig } from '../parts/tidegauge.ts';
import { leafCommands, runHere } from './commands-here.ts';

const RECORDING = new URL('../golden/lhist.ndjson', import.meta.url).pathname;
const SERIES = new URL('../golden/series/app1-02.csv', import.meta.url).pathname;
const RANGE = ['--from', '2023-11-14T22:00Z', '--to', '0s'];

const INCIDENT = '07ed3256e9856e11';

/** Every command that speaks to other programs, as it is asked to, and what it says of nothing. */
const ASKED: Readonly<Record<string, { readonly args: readonly string[]; readonly nothing: unknown }>> = {
  review: { args: [...RANGE, '--json'], nothing: [] },
  incidents: { args: [...RANGE, '--json', '--deliveries'], nothing: [] },
  explain: { args: [INCIDENT, '--json'], nothing: null },
  connections: { args: [...RANGE, '--json'], nothing: [] },
  map: { args: [...RANGE, '--format', 'json'], nothing: { nodes: [], edges: [] } },
  traffic: { args: [...RANGE, '--json'], nothing: [] },
  replay: { args: ['--json', '--start', '2026-01-31'], nothing: [] },
  score: { args: ['--json'], nothing: [] },
  'deliveries list': { args: ['--json'], nothing: [] },
  'incident marks': { args: ['--json'], nothing: [] },
  quality: { args: ['--json'], nothing: [] },
  'silence list': { args: ['--all', '--json'], nothing: [] },
};

/** Keys whose value is a moment. */
const MOMENT = /^(time|start|end|from|to|until|first|last|checkpoint|.*_at)$/;

/** What a command prints. */
async function printed(name: string, args: readonly string[]): Promise<string> {
  const { stdout, error } = await runHere(name, args);
  if (error !== null) throw error;
  return stdout;
}

/** Fails at the first key or value that breaks the convention. */
function checkConvention(value: unknown, path: string): void {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) checkConvention(item, `${path}[${i}]`);
    return;
  }
  if (value === null || typeof value !== 'object') return;
  for (const [key, child] of Object.entries(value)) {
    const at = `${path}.${key}`;
    // Keys of Docker labels are what people named them.
    if (path.endsWith('.labels')) continue;
    expect(`${at}: ${/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(key) ? key : 'not snake_case'}`).toBe(
      `${at}: ${key}`,
    );
    // Of an edge, `from` and `to` are its ends.
    if (MOMENT.test(key) && child !== null && !at.includes('.edges['))
      expect(`${at}: ${child}`).toMatch(/: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    checkConvention(child, at);
  }
}

describe('what commands print for other programs', () => {
  const folder = temporaryFolder();
  const file = (name: string): string => join(folder.path, `${name}.yaml`);
  beforeAll(async () => {
    const zone = { time_zone: 'Asia/Kathmandu', capture: { docker: 'off' }, log: { level: 'error' } };
    // One that fires at any traffic.
    const detectors = [{ use: 'threshold', name: 'any', above: '1B/s', match: { kind: 'any' } }];
    for (const name of ['none', 'empty', 'full']) {
      const rules = name === 'full' ? { detectors } : {};
      writeConfig(
        folder.path,
        { ...zone, ...rules, host: 'h', data: join(folder.path, name) },
        `${name}.yaml`,
      );
    }
    for (const name of ['empty', 'full']) {
      const data = join(folder.path, name);
      const state = createSqliteState({ file: join(data, 'state.db'), clock: systemClock });
      await state.open();
      const store = new SqliteStore(join(data, 'tidegauge.db'));
      await store.open();
      if (name === 'full') {
        const flow: Flow = {
          ...{
            container: 'c0000',
            peerKind: 'container',
            peer: 'c0001',
            address: '10.0.0.2',
            protocol: 'tcp',
            port: 80,
            role: 'client',
          },
          ...{
            sentMessages: 1,
            sentBytes: 2,
            receivedMessages: 1,
            receivedBytes: 2,
            connections: 1,
            failures: 0,
          },
        };
        const connection: ConnectionRow = {
          ...{ container: 'c0000', kind: 'opened', own: '10.0.0.1', peer: '10.0.0.2' },
          ...{ port: 80, clientPort: 4000, count: 1 },
        };
        const parts = { ...busyParts(2), flows: [flow], connections: [connection] };
        const frames = Array.from({ length: 3 }, (_, n) => frameOf('h', n, parts));
        await store.writeFrames(frames);
        const lease = await state.acquire('lane-0', 'test', 60_000);
        if (!lease) throw new Error('a free lane was refused');
        const labels = { 'com.example.Team': 'shop' };
        const incident = incidentOf(systemClock.now() - 5000, { id: INCIDENT, image: 'shop:1', labels });
        await state.commit(lease, {
          incidents: [incident],
          notifications: [notificationOf(incident, 'chat')],
        });
        await state.saveMark(newMarkOf(incident));
        await state.saveAck(ackOf(incident));
        const now = systemClock.now();
        await state.saveSilence(
          {
            id: '1a2b3c4d',
            match: { host: '*', service: '*', container: 'web' },
            from: now,
            until: now + 60_000,
            owner: 'anna',
            reason: 'deploy',
          },
          now,
        );
      }
      await store.close();
      await state.close();
    }
  });
  afterAll(folder.remove);

  it('is asked of every command that can', async () => {
    const speaking = (await leafCommands()).filter(([, command]) =>
      command.options.some(({ long }) => long === '--json' || long === '--format'),
    );
    expect(speaking.map(([name]) => name).sort()).toEqual(Object.keys(ASKED).sort());
  });

  describe.each(Object.entries(ASKED))('%s', (name, { args, nothing }) => {
    const json = async (config: string) => {
      const input = { replay: [RECORDING], score: [SERIES] }[name] ?? [];
      return JSON.parse(await printed(name, [...input, ...args, '--config', file(config)]));
    };

    // A series without rows is refused, and an incident that nobody knows.
    if (name !== 'score' && name !== 'explain')
      it.each(['none', 'empty'])('says of nothing that there is nothing (%s)', async config => {
        expect(await json(config)).toEqual(nothing);
      });

    it('has keys in snake_case and times in ISO 8601, UTC, whatever zone people read', async () => {
      const found = await json('full');
      // The recording is quiet; its incidents would be those of a review.
      if (name !== 'replay') expect(found).not.toEqual(nothing);
      checkConvention(found, name);
    });
  });
});
