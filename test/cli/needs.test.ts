import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigError } from '../../cli/config/config-error.ts';
import { systemClock } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { createSqliteState } from '../../state/sqlite/state.ts';
import { SqliteStore } from '../../store/sqlite/store.ts';
import { temporaryFolder } from '../parts/process.ts';
import { writeConfig } from '../parts/tidegauge.ts';
import { leafCommands, runHere } from './commands-here.ts';

const RECORDING = new URL('../golden/lhist.ndjson', import.meta.url).pathname;
const SERIES = new URL('../golden/series/app1-02.csv', import.meta.url).pathname;

/** A mistake in each group of the configuration. */
const WRONG: Readonly<Record<string, unknown>> = {
  host: 1,
  data: 1,
  time_zone: 'Mars/Olympus',
  capture: { interval: '5' },
  collector: { user: 7 },
  store: { kind: 'oracle' },
  queue: { lanes: 0 },
  redis: { url: 'http://redis' },
  state: { lease: 1 },
  detectors: [{ use: 'nothing' }],
  alert: { resolve_after: 'soon' },
  receivers: [{ use: 'webhook', url: { file: '/nowhere/secret' } }, { use: 'pigeon' }],
  heartbeat: { url: 'here' },
  server: { url: 'here' },
  http: { listen: 'everywhere' },
  log: { level: 'loud' },
  reciever: [],
};

const STORED = ['host', 'data', 'time_zone', 'store', 'redis', 'state', 'server'];
const JUDGED = [...STORED, 'detectors', 'alert'];
const ALL = Object.keys(WRONG);

/** What each command needs, and arguments with which it ends by itself and does little. */
const COMMANDS: Readonly<Record<string, { readonly needs: readonly string[]; readonly args?: string[] }>> = {
  run: { needs: ALL },
  collect: { needs: ALL },
  detect: { needs: ALL },
  demo: { needs: ALL },
  serve: { needs: ALL },
  doctor: { needs: ALL },
  check: { needs: ALL },
  review: { needs: JUDGED },
  replay: { needs: JUDGED, args: ['--start', '2026-01-31', RECORDING] },
  score: { needs: STORED, args: [SERIES] },
  incidents: { needs: STORED },
  'incident mark': { needs: STORED, args: ['--real', 'nothing'] },
  'incident marks': { needs: STORED },
  'incident ack': { needs: STORED, args: ['nothing'] },
  deploying: { needs: STORED, args: ['shop/web', '--done'] },
  top: { needs: STORED, args: ['--once'] },
  quality: { needs: STORED },
  explain: { needs: [...JUDGED, 'receivers'], args: ['nothing'] },
  connections: { needs: [...STORED, 'capture', 'collector'], args: ['--from', '1h'] },
  map: { needs: STORED },
  traffic: { needs: STORED },
  'store init': { needs: STORED },
  'silence add': { needs: STORED, args: ['--container', 'web-*', '--for', '2h', '--reason', 'deploy'] },
  'silence list': { needs: STORED },
  'silence end': { needs: STORED, args: ['nothing'] },
  'deliveries list': { needs: STORED },
  'deliveries show': { needs: STORED, args: ['nothing'] },
  'deliveries replay': { needs: STORED, args: ['nothing'] },
  'notify test': { needs: [...STORED, 'receivers'], args: ['nobody'] },
};

describe('a configuration with mistakes', () => {
  const folder = temporaryFolder();
  const data = join(folder.path, 'data');
  beforeAll(async () => {
    const state = createSqliteState({ file: join(data, 'state.db'), clock: systemClock });
    await state.open();
    await state.close();
    const store = new SqliteStore(join(data, 'tidegauge.db'));
    await store.open();
    await store.close();
  });
  afterAll(folder.remove);

  /** What a command says when these groups are wrong: `refused` when it is for that reason that it does nothing. */
  async function said(name: string, groups: readonly string[]) {
    const wrong = Object.fromEntries(groups.map(group => [group, WRONG[group]]));
    writeConfig(folder.path, { data, ...wrong });
    const file = join(folder.path, 'tidegauge.yaml');
    const { error, stderr } = await runHere(name, ['--config', file, ...(COMMANDS[name]?.args ?? [])]);
    return { refused: error instanceof ConfigError, why: describeError(error), stderr };
  }

  it('is known for every command that reads one', async () => {
    const readers = (await leafCommands()).filter(([, { options }]) =>
      options.some(o => o.long === '--config'),
    );
    expect(readers.map(([name]) => name).sort()).toEqual(Object.keys(COMMANDS).sort());
  });

  it.each(Object.entries(COMMANDS))(
    '%s: is refused only where the command needs it',
    async (name, { needs }) => {
      for (const group of needs)
        expect({ group, ...(await said(name, [group])) }).toMatchObject({ group, refused: true });
      const others = ALL.filter(group => !needs.includes(group));
      if (others.length === 0) return;
      const { refused, why, stderr } = await said(name, others);
      expect({ refused, why }).toMatchObject({ refused: false });
      const lines = stderr.split('\n').filter(line => line.includes('goes on without'));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(
        /^tidegauge: .*tidegauge\.yaml:\d+:\d+: .*expected .* more \(`tidegauge check`\)/,
      );
    },
  );

  it('in an environment variable does not stop a silence either', async () => {
    process.env.TIDEGAUGE_RECEIVERS = '[';
    try {
      const { refused, stderr } = await said('silence add', []);
      expect(refused).toBe(false);
      expect(stderr).toMatch(
        /^tidegauge: environment variable TIDEGAUGE_RECEIVERS: expected YAML, .* goes on without/m,
      );
    } finally {
      delete process.env.TIDEGAUGE_RECEIVERS;
    }
  });
});
