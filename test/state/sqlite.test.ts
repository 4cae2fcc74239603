import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from '@jest/globals';
import { openDatabase } from '../../backends/sqlite/open.ts';
import { systemClock } from '../../core/clock.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { keyText } from '../../state/records.ts';
import { MIGRATIONS } from '../../state/sqlite/schema.ts';
import { createSqliteState, STATE_FILE } from '../../state/sqlite/state.ts';
import { incidentOf } from '../data/incidents.ts';
import { ManualClock } from '../parts/clock.ts';
import { Child, temporaryFolder } from '../parts/process.ts';

describe('sqlite state', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  const path = (name: string) => join(folder.path, name);
  const opened = async (file: string, clock: { now(): number } = systemClock) => {
    const state = createSqliteState({ file, clock });
    await state.open();
    return state;
  };

  it('takes and loses leases by the wall time of the clock it is given', async () => {
    const clock = new ManualClock();
    const [one, two] = [await opened(path('time.db'), clock), await opened(path('time.db'), clock)];
    const lease = await one.acquire('lane-0', 'a', 10_000);
    if (!lease) throw new Error('a free lane was refused');
    clock.advance(9999);
    expect(await two.acquire('lane-0', 'b', 10_000)).toBeNull();
    expect(await one.renew(lease, 10_000)).toBe(true);
    clock.advance(9999);
    expect(await one.commit(lease, { incidents: [], notifications: [] })).toBe(true);
    clock.advance(1);
    expect(await one.commit(lease, { incidents: [], notifications: [] })).toBe(false);
    expect(await two.acquire('lane-0', 'b', 10_000)).toMatchObject({ token: lease.token + 1 });
    await Promise.all([one.close(), two.close()]);
  });

  it('serves several processes that write at once; one that is killed loses nothing it was told is written', async () => {
    const file = path('shared.db');
    const state = await opened(file);
    const lanes = ['lane-1', 'lane-2'];
    const children = lanes.map(
      lane => new Child(process.execPath, ['test/parts/children/state-writer.ts', file, lane]),
    );
    const written = (child: Child) => Number(child.output.trimEnd().split('\n').at(-1));
    for (const child of children) await child.until('it to write', () => written(child) >= 50);
    await Promise.all(children.map(child => child.stop('SIGKILL')));
    for (const [i, lane] of lanes.entries()) {
      const child = children[i];
      if (!child) throw new Error('a child for each lane');
      const last = Number((await state.loadCheckpoint(lane, 'f'))?.last);
      expect(last).toBeGreaterThanOrEqual(written(child));
      // An incident and its notification are one step: never one without the other.
      const incidents = (await state.incidents({ from: 0, to: 1e12 }, 1e6)).filter(x => x.container === lane);
      const deliveries = await state.dueDeliveries(lane, 1e15, 1e6);
      expect(deliveries.map(delivery => delivery.notification.incident.id).sort()).toEqual(
        incidents.map(incident => incident.id).sort(),
      );
      expect(incidents.length).toBeGreaterThanOrEqual(last);
    }
    await state.close();
  });

  it('refuses what is not its file, and says what to do', async () => {
    writeFileSync(path('text.db'), 'this is a text, and long enough to be taken for one '.repeat(20));
    await expect(opened(path('text.db'))).rejects.toMatchObject({
      retry: false,
      problem: { place: path('text.db'), found: expect.stringContaining('not a database') },
    });
    writeFileSync(path('file'), '');
    await expect(opened(path('file/state.db'))).rejects.toMatchObject({ retry: false });
    mkdirSync(path('folder.db'));
    await expect(opened(path('folder.db'))).rejects.toMatchObject({ retry: false });
  });

  /** A database as that version would have written it. */
  function writeOld(file: string, version: number, incident: Incident): void {
    const db = new DatabaseSync(file);
    for (const statements of MIGRATIONS.slice(0, version)) db.exec(statements);
    if (version > 0) {
      db.prepare('INSERT INTO incidents (id, start, "end", body) VALUES (?, 1, 2, ?)').run(
        incident.id,
        JSON.stringify(incident),
      );
      db.exec(`INSERT INTO meta VALUES ('lanes', 5);
        INSERT INTO leases VALUES ('lane-0', 'a', 7, 0);
        INSERT INTO checkpoints VALUES ('h', 'f', 3, '{"host":"h","last":3,"fingerprint":"f","data":"d"}')`);
    }
    if (version > 2) db.prepare('UPDATE incidents SET host = ?').run(keyText(incident.host));
    db.exec(`PRAGMA user_version = ${version}`);
    db.close();
  }

  it('takes over what every older version has written', async () => {
    const incident = incidentOf(1, { host: 'a "host"\n' });
    for (let version = 0; version < MIGRATIONS.length; version++) {
      writeOld(path(`from-${version}.db`), version, incident);
      const state = await opened(path(`from-${version}.db`));
      const old = version > 0;
      expect(await state.agreeOnLanes(8)).toBe(old ? 5 : 8);
      expect((await state.acquire('lane-0', 'b', 1000))?.token).toBe(old ? 8 : 1);
      expect((await state.loadCheckpoint('h', 'f'))?.data).toBe(old ? 'd' : undefined);
      expect(await state.announce('a', 1000)).toEqual(['a']);
      expect(await state.openIncidents('a "host"\n')).toEqual(old ? [incident] : []);
      await state.close();
    }
  });

  it('refuses a file of a newer version', async () => {
    const db = openDatabase(path('newer.db'), STATE_FILE);
    db.exec('PRAGMA user_version = 99');
    db.close();
    await expect(opened(path('newer.db'))).rejects.toMatchObject({
      retry: false,
      problem: { found: 'version 99, of a newer tidegauge' },
    });
  });

  it('rejects, to be tried again, while another process holds the file, and when it is closed', async () => {
    const state = await opened(path('held.db'));
    const holder = openDatabase(path('held.db'), STATE_FILE);
    holder.exec('BEGIN IMMEDIATE');
    await expect(state.acquire('lane-0', 'a', 1000)).rejects.toMatchObject({ retry: true });
    expect(await state.incidents({ from: 0, to: 1 }, 1)).toEqual([]);
    holder.exec('ROLLBACK');
    holder.close();
    expect(await state.acquire('lane-0', 'a', 1000)).not.toBeNull();
    await state.close();
    await expect(state.acquire('lane-0', 'a', 1000)).rejects.toMatchObject({ retry: true });
  });

  it('lets errors that are not of SQLite through as they are', async () => {
    const state = await opened(path('mistake.db'));
    await expect(state.saveSilence(null as never, 0)).rejects.toThrow(TypeError);
    const lease = await state.acquire('lane-0', 'a', 60_000);
    if (!lease) throw new Error('a free lane was refused');
    await expect(state.commit(lease, null as never)).rejects.toThrow(TypeError);
    await state.close();
  });

  it('says which record it cannot read', async () => {
    const state = await opened(path('mangled.db'));
    const lease = await state.acquire('lane-0', 'a', 60_000);
    if (!lease) throw new Error('a free lane was refused');
    await state.commit(lease, { incidents: [incidentOf(1)], notifications: [] });
    const db = openDatabase(path('mangled.db'), STATE_FILE);
    db.exec(`UPDATE incidents SET body = '{"id": 1}'`);
    db.close();
    await expect(state.incidents({ from: 0, to: 10 }, 1)).rejects.toMatchObject({
      retry: false,
      problem: { place: path('mangled.db'), expected: 'an incident' },
    });
    await state.close();
  });
});
