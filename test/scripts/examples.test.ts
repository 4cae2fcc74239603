import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { SCHEMA } from '../../app/wire.ts';
import { loadConfig } from '../../cli/config/load.ts';

const FOLDER = join(import.meta.dirname, '../../examples');
const machine = { hostname: 'box', data: '/nowhere' };

describe('examples', () => {
  it.each(readdirSync(FOLDER).filter(name => name.endsWith('.yaml')))('%s is a valid configuration', name => {
    const { warnings } = loadConfig(SCHEMA, { file: join(FOLDER, name), env: {}, machine });
    expect(warnings).toEqual([]);
  });

  it('embedded.yaml needs nothing but the process itself', () => {
    const { config } = loadConfig(SCHEMA, { file: join(FOLDER, 'embedded.yaml'), env: {}, machine });
    expect([config.store.kind, config.queue.kind, config.state.kind]).toEqual(['sqlite', 'inline', 'sqlite']);
    expect(config.detectors.map(rule => rule.name)).toEqual(['bytes', 'database-egress']);
  });

  it('shared.yaml keeps everything where all processes reach it', () => {
    const { config } = loadConfig(SCHEMA, { file: join(FOLDER, 'shared.yaml'), env: {}, machine });
    expect([config.store.kind, config.queue.kind, config.state.kind]).toEqual(['influx', 'bullmq', 'redis']);
  });
});
