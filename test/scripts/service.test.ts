import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { SCHEMA } from '../../app/wire.ts';
import { HOOKS } from '../../bpf/hooks.ts';
import { loadConfig } from '../../cli/config/load.ts';
import { capabilitiesFor } from '../../collector/privsep/rights.ts';
import { temporaryFolder } from '../parts/process.ts';

const ROOT = join(import.meta.dirname, '../..');
const unit = readFileSync(join(ROOT, 'examples/tidegauge.service'), 'utf8');

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** All values of a key. */
const valuesOf = (key: string): string[] =>
  [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(match => match[1] ?? '');

it('systemd understands every line of the unit', () => {
  const file = join(folder.path, 'tidegauge.service');
  writeFileSync(file, unit.replaceAll('/opt/tidegauge', ROOT));
  const { error, status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], {
    encoding: 'utf8',
  });
  // Not every machine has it; what it would say is checked where it is there.
  if (error) return expect(error).toMatchObject({ code: 'ENOENT' });
  expect([status, stdout, stderr]).toEqual([0, '', '']);
});

it('the unit gives all rights that a helper may need on a current kernel, and those to become another user', () => {
  const given = new Set(valuesOf('CapabilityBoundingSet').flatMap(text => text.split(' ')));
  const [hook] = HOOKS;
  if (!hook) throw new Error('no hook');
  for (const version of ['0.17.0', '0.23.2', null]) {
    for (const name of capabilitiesFor({ hook, kernel: [6, 8] }, version))
      expect(given).toContain(`CAP_${name}`);
  }
  for (const name of ['SETUID', 'SETGID', 'SETPCAP']) expect(given).toContain(`CAP_${name}`);
  expect(valuesOf('NoNewPrivileges')).toEqual(['yes']);
});

it('the unit asks only the collector to end, so that the last interval is stored', () => {
  expect(valuesOf('KillMode')).toEqual(['mixed']);
});

it('the settings of the unit are settings', () => {
  const env = Object.fromEntries(valuesOf('Environment').map(text => text.split('=') as [string, string]));
  const { config, warnings } = loadConfig(SCHEMA, {
    file: null,
    env,
    machine: { hostname: 'box', data: '/nowhere' },
  });
  expect(warnings).toEqual([]);
  expect(config.collector).toEqual({ user: 'tidegauge', groups: ['docker'] });
});
