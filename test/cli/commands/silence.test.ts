import { chmodSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { silenceOf } from '../../../cli/commands/silence.ts';
import { systemClock } from '../../../core/clock.ts';
import { UTC } from '../../../core/time-zone.ts';
import { createSqliteState } from '../../../state/sqlite/state.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { busyParts, frameOf } from '../../data/frames.ts';
import { incidentOf, notificationOf } from '../../data/incidents.ts';
import { describeWith } from '../../parts/need.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { readableProgram } from '../../parts/readable.ts';
import { tidegauge, writeConfig } from '../../parts/tidegauge.ts';

/** As a user types it, on a state that another process has made. */
describe('silence', () => {
  const folder = temporaryFolder();
  const data = join(folder.path, 'data');
  const incident = incidentOf(systemClock.now() - 5000);
  const state = createSqliteState({ file: join(data, 'state.db'), clock: systemClock });

  beforeAll(async () => {
    writeConfig(folder.path, { data, capture: { docker: 'off' } });
    writeConfig(folder.path, { data: join(folder.path, 'none') }, 'none.yaml');
    await state.open();
    const lease = await state.acquire('lane-0', 'test', 60_000);
    if (!lease) throw new Error('a free lane was refused');
    const notification = notificationOf(incident, 'hook');
    await state.commit(lease, { incidents: [incident], notifications: [notification] });
    const lastError = 'silenced until tomorrow by anna: deploy (1a2b3c4d)';
    const outcome = { status: 'held', attempts: 0, nextAttempt: 0, lastError } as const;
    await state.updateDelivery(lease, notification.key, outcome);
  });
  afterAll(async () => {
    await state.close();
    folder.remove();
  });

  async function type(...args: string[]): Promise<{ code: number | null; output: string }> {
    const child = tidegauge(args, { cwd: folder.path });
    return { code: await child.exited, output: child.output };
  }
  const add = (...args: string[]) => type('silence', 'add', '--reason', 'deploy', ...args);

  it('is added, listed and ended; says what it covers and how to end it', async () => {
    expect((await type('silence', 'list')).output).toBe('No silences in force.\n');
    const added = await add('--container', 'sh*', '--for', '2h', '--owner', 'anna\u001b[31m');
    expect(added.code).toBe(0);
    expect(added.output).toMatch(/^silenced [0-9a-f]{8}: container sh\*, until .*Z, by anna.*: deploy$/m);
    expect(added.output).not.toContain('\u001b');
    expect(added.output).toContain('Of what is firing now it covers 1 incident:');
    const [id = ''] = /[0-9a-f]{8}(?=:)/.exec(added.output) ?? [];
    expect(added.output).toContain(`tidegauge silence end ${id}`);
    const [silence] = await state.silences(systemClock.now());
    expect(silence).toMatchObject({ id, match: { host: '*', service: '*', container: 'sh*' } });
    expect((silence?.until ?? 0) - (silence?.from ?? 0)).toBe(7_200_000);

    const listed = JSON.parse((await type('silence', 'list', '--json')).output);
    expect(listed).toMatchObject([{ id, container: 'sh*', in_force: true, reason: 'deploy' }]);
    expect((await type('silence', 'end', id)).output).toMatch(/^ended: .* ended \d{4}-/);
    expect((await type('silence', 'list')).output).toBe('No silences in force.\n');
    expect((await type('silence', 'list', '--all')).output).toContain(`${id}: container sh*, ended`);
    expect(await type('silence', 'end', id)).toMatchObject({ code: 2 });
  });

  it('takes matchers, may begin later, and says whom it would keep back before it is added', async () => {
    const matchers = ['container=~sh.*', 'severity!=critical'];
    const dry = await add(...matchers, '--for', '2h', '--dry-run');
    expect([dry.code, dry.output]).toEqual([
      0,
      expect.stringMatching(
        /^dry run, nothing is added: container=~"sh\.\*", severity!="critical", until .*: deploy$/m,
      ),
    ]);
    expect(dry.output).toContain(`covers 1 incident:\n  ${incident.title}\n`);
    expect(await state.silences(systemClock.now())).toEqual([]);
    const later = new Date(systemClock.now() + 3_600_000).toISOString();
    const { output } = await add(...matchers, '--from', later, '--for', '2h');
    expect(output).toContain(`, from ${later} until `);
    const [silence] = await state.silences(systemClock.now());
    expect(silence).toMatchObject({ from: Date.parse(later), until: Date.parse(later) + 7_200_000 });
    expect(JSON.parse((await type('silence', 'list', '--json')).output)).toMatchObject([
      {
        kind: 'silence',
        matchers: ['container=~"sh.*"', 'severity!="critical"'],
        in_force: false,
        holds: [],
      },
    ]);
    expect((await type('silence', 'end', silence?.id ?? '')).code).toBe(0);
    expect(await state.silences(systemClock.now())).toEqual([]);
    const wrong = await add('contianer=web', '--for', '2h');
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.output).toContain('incidents have no "contianer". Use container.');
  });

  it('list says what one keeps back that ends soon, and when a maintenance window is', async () => {
    await add('--container', 'shop', '--for', '10m');
    const [silence] = await state.silences(systemClock.now());
    const [line] = (await type('silence', 'list')).output.split('\n');
    expect(line).toMatch(/ \(keeps back 1 incident; ends in .*, and they are told of then\)$/);
    writeConfig(
      folder.path,
      {
        ...{ data, capture: { docker: 'off' } },
        alert: {
          maintenance: [
            {
              name: 'backup',
              matchers: ['service=shop/db'],
              schedule: '30 2 * * *',
              duration: '2h',
              reason: 'nightly',
            },
          ],
        },
      },
      'windows.yaml',
    );
    const listed = JSON.parse((await type('silence', 'list', '--json', '-c', 'windows.yaml')).output);
    expect(listed).toMatchObject([
      { id: silence?.id, in_force: true, holds: [incident.id], expiring: true },
      { id: 'backup', kind: 'maintenance', matchers: ['service="shop/db"'], reason: 'nightly', holds: [] },
    ]);
    const { output } = await type('silence', 'list', '-c', 'windows.yaml');
    expect(output).toMatch(
      /^backup: maintenance window, service="shop\/db", .*until .*, by configuration: nightly$/m,
    );
    expect(await type('silence', 'end', 'backup', '-c', 'windows.yaml')).toMatchObject({ code: 2 });
    await type('silence', 'end', silence?.id ?? '');
  });

  it('add says so when nobody has such a name now and what is near, and adds it all the same', async () => {
    const store = new SqliteStore(join(data, 'tidegauge.db'));
    await store.open();
    await store.writeFrames([frameOf('web-1', 0, busyParts(2))]);
    await store.close();
    const { code, output } = await add('--container', 'c0o00', '--for', '2h');
    expect(code).toBe(0);
    expect(output).toMatch(
      /no container of 3 is named "c0o00" \(did you mean "c0000"\?\) now; the silence waits for one/,
    );
    expect(output).toMatch(/^silenced [0-9a-f]{8}: container c0o00/m);
    expect((await add('--container', 'c0001', '--for', '2h')).output).not.toMatch(/is named/);
    for (const silence of await state.silences(0)) await state.saveSilence({ ...silence, until: 1 }, 2);
  });

  it('add names all that is missing at once, with an example, and adds nothing', async () => {
    const before = await state.silences(0);
    expect(await type('silence', 'add')).toEqual({
      code: 2,
      output: expect.stringMatching(
        /^tidegauge: silence add: whom it is about \(.*\), --for and --reason are missing\. .*--container 'web-\*' --for 2h --reason/m,
      ),
    });
    const { code, output } = await add('--for', '2h');
    expect([code, output]).toEqual([
      2,
      expect.stringMatching(/add: whom it is about .* is missing.*--host '\*'/),
    ]);
    expect(await state.silences(0)).toEqual(before);
  });

  it.each([
    [{ for: '2' }, /--for: expected a duration of up to 90d, such as 2h, found 2/],
    [{ for: '91d' }, /--for: expected a duration of up to 90d/],
    [{ for: '0s' }, /--for: expected a duration/],
    [{ host: 'x'.repeat(201) }, /--host: expected a text of 1 to 200 characters, found 201/],
    [{ owner: ' ' }, /--owner: expected a text/],
    [{ reason: '' }, /--reason: expected a text/],
    [{ from: '2h' }, /--from: expected a time such as 2026-01-31T22:00, found 2h/],
    [{ from: '1970-01-01' }, /--from: expected a time to come, within a year, found 1970.*, which is over/],
    [{ from: '1972-01-01' }, /--from: expected a time to come, within a year/],
  ])('flags %j are refused', (flags, message) => {
    const right = { host: 'a', for: '2h', reason: 'deploy', owner: 'anna' };
    const present = { now: 1000, zone: UTC };
    expect(silenceOf(right, [], present)).toMatchObject({ from: 1000, until: 7_201_000 });
    expect(() => silenceOf({ ...right, ...flags }, [], present)).toThrow(message);
  });

  it('where nothing was ever kept there is nothing to silence, and none is in force', async () => {
    const list = await type('silence', 'list', '-c', 'none.yaml');
    expect([list.code, list.output]).toEqual([0, expect.stringMatching(/no data in .*none yet/)]);
    expect(await add('--host', 'a', '--for', '1h', '-c', 'none.yaml')).toMatchObject({ code: 1 });
  });

  it('incidents say what became of a message that was kept back', async () => {
    const { output } = await type('incidents');
    expect(output).toContain('  firing to hook: held, silenced until tomorrow by anna: deploy (1a2b3c4d)\n');
  });
});

// As root only: others cannot become somebody else.
describeWith(['ebpf'], 'silence by a user without a name', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  it('has the number as its owner, as in a container', async () => {
    chmodSync(folder.path, 0o777);
    const data = join(folder.path, 'data');
    writeConfig(folder.path, { data });
    const state = createSqliteState({ file: join(data, 'state.db'), clock: systemClock });
    await state.open();
    await state.close();
    for (const path of [data, join(data, 'state.db')]) chownSync(path, 54_321, 54_321);
    const program = readableProgram();
    const child = tidegauge(['silence', 'add', '--host', 'a', '--for', '1h', '--reason', 'deploy'], {
      ...{ cwd: folder.path, program, env: { SUDO_USER: undefined } },
      through: ['setpriv', '--reuid=54321', '--regid=54321', '--clear-groups'],
    });
    await child.exited;
    program.remove();
    expect(child.output).toMatch(/^silenced .* by uid 54321: deploy$/m);
  });
});
