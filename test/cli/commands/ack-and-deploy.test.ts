import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Command } from 'commander';
import { deployOf, registerDeploying } from '../../../cli/commands/deploying.ts';
import { registerIncident } from '../../../cli/commands/incident/incident.ts';
import { systemClock } from '../../../core/clock.ts';
import { UTC } from '../../../core/time-zone.ts';
import { taken } from '../../../http/api/resources/acks.ts';
import { createSqliteState } from '../../../state/sqlite/state.ts';
import { incidentOf, resolved } from '../../data/incidents.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { writeConfig } from '../../parts/tidegauge.ts';

describe('incident ack and deploying', () => {
  const folder = temporaryFolder();
  const data = join(folder.path, 'data');
  const config = join(folder.path, 'tidegauge.yaml');
  const state = createSqliteState({ file: join(data, 'state.db'), clock: systemClock });
  const incident = incidentOf(systemClock.now() - 5000, { title: 'shop: odd\u001b[31m' });

  beforeAll(async () => {
    writeConfig(folder.path, { data, capture: { docker: 'off' }, log: { level: 'error' } });
    await state.open();
    const lease = await state.acquire('lane-0', 'test', 60_000);
    if (!lease) throw new Error('a free lane was refused');
    await state.commit(lease, { incidents: [incident], notifications: [] });
  });
  afterAll(async () => {
    await state.close();
    folder.remove();
  });

  /** Runs a command in this process; what it printed. Rejects as the command does. */
  async function type(...args: string[]): Promise<{ out: string; err: string }> {
    const program = new Command('tidegauge').exitOverride();
    for (const register of [registerIncident, registerDeploying])
      register(program, new AbortController().signal);
    const written = { out: '', err: '' };
    const into = (to: keyof typeof written) => (text: unknown) => {
      written[to] += String(text);
      return true;
    };
    const spies = [
      jest.spyOn(process.stdout, 'write').mockImplementation(into('out')),
      jest.spyOn(process.stderr, 'write').mockImplementation(into('err')),
    ];
    try {
      await program.parseAsync([...args, '--config', config], { from: 'user' });
    } finally {
      for (const spy of spies) spy.mockRestore();
      process.exitCode = 0;
    }
    return written;
  }
  const inForce = async () => (await state.silences(systemClock.now())).length;

  it('ack is kept with who and how bad it was, and is taken back', async () => {
    const { out } = await type('incident', 'ack', incident.id, '--note', 'on it');
    expect(out).toMatch(/^acknowledged by .* at .*Z \(on it\): shop: odd\\x1b\[31m\n$/);
    expect(await state.acks()).toMatchObject([{ incident: incident.id, severity: 'warning', note: 'on it' }]);
    expect((await type('incident', 'ack', incident.id, '--undo')).out).toMatch(
      /^acknowledgement taken back by /,
    );
    expect(await state.acks()).toMatchObject([{ incident: incident.id, undone: {} }]);
    await expect(type('incident', 'ack', incident.id, '--undo')).rejects.toThrow(
      `nobody has acknowledged ${incident.id}`,
    );
  });

  it('ack of what is over, or of nothing, is refused with what to do', async () => {
    const said = { by: 'anna', at: 1, note: '' };
    expect(() => taken(resolved(incident), said)).toThrow(
      /has been over since \d{4}-.*Z: nobody is told of it again.*`tidegauge incident mark \S+ --real`/,
    );
    await expect(type('incident', 'ack', 'nobody')).rejects.toThrow(
      /expected the id of an incident, found nobody/,
    );
    await expect(type('incident', 'ack', incident.id, '--note', 'x'.repeat(501))).rejects.toThrow(
      /--note: expected a text of at most 500 characters/,
    );
  });

  it('deploying keeps back what it explains until --done, and one that is begun again takes its place', async () => {
    const { out } = await type('deploying', 'shop/web', '--reason', 'release 42', '--owner', 'ci');
    expect(out).toMatch(/^deploying [0-9a-f]{8}: deploy, service shop\/web, until .*, by ci: release 42\n$/);
    await type('deploying', 'shop/web', '--for', '20m');
    await type('deploying', 'shop/db');
    const found = await state.silences(systemClock.now());
    expect(found.map(({ kind, match, until, from }) => [kind, match.service, until - from])).toEqual([
      ['deploy', 'shop/db', 600_000],
      ['deploy', 'shop/web', 1_200_000],
    ]);
    expect((await type('deploying', 'shop/web', '--done')).out).toMatch(
      /^ended: .*service shop\/web, ended /,
    );
    expect(await inForce()).toBe(1);
  });

  it('deploying --dry-run says whom it would be about, and keeps nothing', async () => {
    const before = await inForce();
    const { out } = await type('deploying', 'shop/web', '--dry-run', '--owner', 'ci');
    expect(out).toMatch(/^dry run, nothing is begun: deploy, service shop\/web, until .*, by ci: deploy\n/);
    expect(out).toContain('Of what is firing now it covers 1 incident:\n  shop: odd');
    expect(await inForce()).toBe(before);
    await expect(type('deploying', 'shop/web', '--dry-run', '--done')).rejects.toThrow(
      /Leave one of them out/,
    );
  });

  it('deploying --done of one that has ended already is no failure: a job may take longer than it said', async () => {
    const { out, err } = await type('deploying', 'shop/other', '--done');
    expect([out, err]).toEqual(['', expect.stringContaining('no deploy of shop/other is under way')]);
  });

  it.each([
    [{ for: '25h' }, /--for: expected a duration of up to 1d, such as 2h, found 25h/],
    [{ for: '10' }, /--for: expected a duration/],
    [{ reason: ' ' }, /--reason: expected a text of 1 to 200 characters/],
    [{ host: '' }, /--host: expected a text/],
  ])('deploying with %j is refused', (flags, message) => {
    const right = { for: '10m', reason: 'deploy', owner: 'ci' };
    expect(deployOf(right, 'shop', { now: 1000, zone: UTC })).toMatchObject({ from: 1000, until: 601_000 });
    expect(() => deployOf({ ...right, ...flags }, 'shop', { now: 1000, zone: UTC })).toThrow(message);
  });
});
