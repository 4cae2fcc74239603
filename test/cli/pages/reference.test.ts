import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { PAGES } from '../../../cli/pages/reference.ts';
import { CAPS } from '../../../core/caps.ts';

const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');

describe('reference documentation', () => {
  it.each(Object.keys(PAGES))('%s is what the code says now (otherwise: npm run docs)', file => {
    expect(read(file)).toBe(PAGES[file]?.());
  });

  it('names every key once, each with its own environment variable', () => {
    const variables = [...read('docs/configuration.md').matchAll(/`(TIDEGAUGE_[A-Z0-9_]+)` +\|/g)].map(
      match => match[1],
    );
    expect(variables.length).toBeGreaterThan(25);
    expect(new Set(variables).size).toBe(variables.length);
  });

  it('every bound shows in a metric that there is', () => {
    const metrics = read('docs/metrics.md').slice(0, read('docs/metrics.md').indexOf('## Bounds'));
    for (const { shows } of Object.values(CAPS)) {
      for (const name of shows.split(', ')) expect(metrics).toContain(`\`${name.replace(/\{.*/, '')}\``);
    }
  });
});
