import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { SCHEMA } from '../../../app/wire.ts';
import { settingsOfFiles, settingsText, withOptions } from '../../../cli/review/settings.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { writeConfig } from '../../parts/tidegauge.ts';

const LIMIT = { use: 'threshold', name: 'uplink', metric: 'bytes', direction: 'send', above: '1MiB/s' };
const config = SCHEMA.parse({ detectors: [{ use: 'auto' }, LIMIT] });
const NAMES = config.detectors.map(({ name }) => name);
const UPLINK = `detectors.${NAMES.indexOf('uplink')}`;
const rule = (settings: ReturnType<typeof withOptions>, name: string) =>
  settings.config.detectors.find(one => one.name === name);

describe('settings that are tried', () => {
  const folder = temporaryFolder();
  afterAll(folder.remove);

  it('are those in force but for the options that are set, which are read as in the file', () => {
    const changed = withOptions(config, [
      'uplink.above=50MiB/s',
      'uplink.match.container=*-db',
      'traffic.sensitivity=1 false alert per container per year',
      'alert.resolve_after=5m',
    ]);
    expect(rule(changed, 'uplink')?.options).toMatchObject({
      above: { value: 50 * 1024 ** 2, unit: 'B/s' },
    });
    expect(rule(changed, 'uplink')?.match.container).toBe('*-db');
    expect(rule(changed, 'traffic')?.options).toMatchObject({ sensitivity: { value: 1, unit: '/year' } });
    expect(changed.config.alert).toEqual({ ...config.alert, resolve_after: 300_000 });
    for (const name of NAMES.filter(name => name !== 'uplink' && name !== 'traffic'))
      expect(rule(changed, name)).toEqual(config.detectors.find(one => one.name === name));
    expect(config).toEqual(SCHEMA.parse({ detectors: [{ use: 'auto' }, LIMIT] }));
  });

  it('change nothing when an option is set to what it is', () => {
    expect(withOptions(config, ['uplink.above=1MiB/s']).config.detectors).toEqual(config.detectors);
  });

  it.each([
    ['uplink.above', 'expected RULE.OPTION=VALUE'],
    ['=1', `The rules here are ${NAMES.join(', ')}.`],
    ['trafic.sensitivity=1/day', 'Did you mean traffic?'],
    [
      'uplink.abvoe=1MiB/s',
      `--set uplink.abvoe=1MiB/s: ${UPLINK}.abvoe: expected a known key, found abvoe (did you mean above?)`,
    ],
    ['uplink.above=lots', `--set uplink.above=lots: ${UPLINK}.above: expected`],
    ['alert.resolve_after=-1', '--set alert.resolve_after=-1: alert.resolve_after: expected'],
    ['uplink.__proto__.x=1', 'expected RULE.OPTION=VALUE'],
  ])('%s is refused: %s', (text, said) => {
    expect(() => withOptions(config, [text])).toThrow(said);
  });

  it('are shown as a file that gives them again', () => {
    const changed = withOptions(config, ['uplink.above=50MiB/s']);
    writeConfig(folder.path, { detectors: [LIMIT] }, 'a.yaml');
    writeConfig(folder.path, { alert: { resolve_after: '2m' } }, 'b.yaml');
    const [a, b] = settingsOfFiles([join(folder.path, 'a.yaml'), join(folder.path, 'b.yaml')]);
    expect([a?.name, b?.name]).toEqual(['a.yaml', 'b.yaml']);
    expect(a?.config.detectors).toHaveLength(1);
    expect(b?.config.alert.resolve_after).toBe(120_000);
    expect(settingsText(changed)).toContain('above: 52428800B/s');
  });

  it('of one file cannot be compared', () => {
    expect(() => settingsOfFiles(['a.yaml'])).toThrow('--compare: expected two or more configuration files');
  });
});
