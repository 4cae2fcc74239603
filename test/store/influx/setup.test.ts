import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '../../../core/clock.ts';
import type { Annotation } from '../../../core/incident/incident.ts';
import { InfluxStore } from '../../../store/influx/store.ts';
import { type InfluxServer, startInflux } from '../../parts/influx.ts';
import { recordingLog } from '../../parts/log.ts';
import { describeWith } from '../../parts/need.ts';
import { until } from '../../parts/process.ts';
import { influxConfig } from '../stores.ts';

const DAY = 86_400_000;
const RETENTION = { raw: 7 * DAY, minute: 90 * DAY, hour: 730 * DAY };

/** What a real influxd of 1.x was told about retention. */
describeWith(['influx'], 'setting up InfluxDB 1.x', () => {
  let server: InfluxServer;
  beforeAll(async () => {
    server = await startInflux();
  });
  afterAll(() => server?.stop());

  function storeOf(database: string, retention = RETENTION) {
    const { log, lines } = recordingLog();
    return { store: new InfluxStore(influxConfig(server.url, { database }), log, retention), lines };
  }

  async function run(q: string): Promise<unknown[][]> {
    const answer = await fetch(`${server.url}/query`, { method: 'POST', body: new URLSearchParams({ q }) });
    const { results } = (await answer.json()) as {
      results: { error?: string; series?: { values: unknown[][] }[] }[];
    };
    if (results[0]?.error) throw new Error(results[0].error);
    return results[0]?.series?.[0]?.values ?? [];
  }

  /** Duration, shard duration and whether it is the default, by policy. */
  async function policies(database: string): Promise<Record<string, unknown[]>> {
    const rows = await run(`SHOW RETENTION POLICIES ON "${database.replaceAll('"', '\\"')}"`);
    return Object.fromEntries(
      rows.map(([name, duration, shard, , isDefault]) => [name, [duration, shard, isDefault]]),
    );
  }

  const AS_CONFIGURED = {
    autogen: ['168h0m0s', '24h0m0s', true],
    minute: ['2160h0m0s', '24h0m0s', false],
    hour: ['17520h0m0s', '168h0m0s', false],
  };

  it('a new database is made with tiers and retention, by opening it or by init', async () => {
    await storeOf('opened').store.open();
    expect(await policies('opened')).toEqual(AS_CONFIGURED);
    const lines = await storeOf('made "new"').store.init();
    expect(await policies('made "new"')).toEqual(AS_CONFIGURED);
    expect(lines[0]).toMatch(/database made "new": created, windows kept 7d$/);
  });

  it('opening never shortens what is kept, init does and says so; again it changes nothing', async () => {
    await run('CREATE DATABASE "old"');
    await storeOf('old').store.open();
    expect(await policies('old')).toEqual({ ...AS_CONFIGURED, autogen: ['0s', '168h0m0s', true] });
    expect(await storeOf('old').store.init()).toEqual(
      expect.arrayContaining(['windows (autogen): kept 7d from now on, was for ever']),
    );
    expect(await policies('old')).toEqual(AS_CONFIGURED);
    for (const line of (await storeOf('old').store.init()).slice(0, 3))
      expect(line).toMatch(/as configured$/);
    const longer = { ...RETENTION, raw: 30 * DAY };
    expect((await storeOf('old', longer).store.init())[0]).toBe(
      'windows (autogen): kept 30d from now on, was 7d',
    );
  });

  it('annotations outlive windows: they are in the tier that is kept longest, and where dashboards look', async () => {
    const { store } = storeOf('annotated');
    await store.open();
    const now = systemClock.now();
    const texts = { severity: 'warning', title: 't', text: 'x' } as const;
    const [old, recent] = [60 * DAY, 3_600_000].map((ago, i) => ({
      ...{ id: `i${i}`, host: 'h', service: 's', container: 'c', start: now - ago, end: now - ago + 1000 },
      ...{ state: 'firing' as const, ...texts },
    })) as [Annotation, Annotation];
    // Nothing reaches the default policy that it would not keep.
    await store.writeAnnotations([old]);
    await store.writeAnnotations([recent]);
    const resolved = { ...old, state: 'resolved' as const, end: old.end + 5000 };
    await store.writeAnnotations([resolved]);
    const all = { from: 0, to: Number.MAX_SAFE_INTEGER };
    expect(await store.readAnnotations(all)).toEqual([resolved, recent]);
    const ids = async (policy: string) =>
      (await run(`SELECT "timeEnd" FROM "annotated".${policy}."annotations"`)).map(([, end]) => end);
    expect(await ids('hour')).toEqual([resolved.end, recent.end]);
    expect(await ids('autogen')).toEqual([recent.end]);
  });

  it('uses the default policy of a database that others made, whatever its name', async () => {
    await run('CREATE DATABASE "theirs" WITH DURATION 14d NAME "fortnight"');
    await storeOf('theirs').store.init();
    expect((await policies('theirs')).fortnight).toEqual(['168h0m0s', '24h0m0s', true]);
  });

  it('a user who may not make tiers gets everything but them, and is told', async () => {
    const guarded = await startInflux({ auth: true });
    try {
      const ask = (q: string, user?: string) =>
        fetch(`${guarded.url}/query`, {
          method: 'POST',
          body: new URLSearchParams({ q }),
          headers: user ? { authorization: `Basic ${Buffer.from(user).toString('base64')}` } : {},
        });
      await ask(`CREATE USER admin WITH PASSWORD 'a' WITH ALL PRIVILEGES`);
      await ask(
        `CREATE DATABASE tidegauge; CREATE USER some WITH PASSWORD 's'; GRANT ALL ON tidegauge TO some`,
        'admin:a',
      );
      // The server takes a moment to know of a right.
      await until(
        'the right to read',
        async () => (await ask('SHOW RETENTION POLICIES ON tidegauge', 'some:s')).ok,
      );
      const { log, lines } = recordingLog();
      const store = new InfluxStore(
        influxConfig(guarded.url, { username: 'some', password: 's' }),
        log,
        RETENTION,
      );
      await store.open();
      expect(JSON.stringify(lines)).toMatch(/tidegauge store init/);
      expect(await store.rollUp('host', { from: 0, to: DAY })).toBe(0);
      await expect(store.init()).rejects.toMatchObject({ name: 'ExchangeError' });
      await store.close();
    } finally {
      await guarded.stop();
    }
  });
});
