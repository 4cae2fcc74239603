import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { rollingZscores } from '../../qa/quality/series/rolling-zscore.ts';
import { seriesSection } from '../../qa/quality/series-section.ts';
import { temporaryFolder } from '../parts/process.ts';

const folder = temporaryFolder();
beforeAll(() => {
  mkdirSync(join(folder.path, 'kpi/microsoft'), { recursive: true });
  const series = join(import.meta.dirname, '../golden/series/app1-02.csv');
  copyFileSync(series, join(folder.path, 'kpi/microsoft/app1-02.csv'));
});
afterAll(() => folder.remove());

it('has a row for each detector on each source that is there, with its false alerts', async () => {
  const section = await seriesSection(folder.path);
  expect(section).toContain('- `microsoft`, 1 series, 4 anomalies: ');
  expect(section).not.toContain('`nab`');
  const rows = section.split('\n').filter(line => line.includes('| microsoft |'));
  expect(rows.map(row => row.split(' | ')[0])).toEqual([
    ...['| **kpi**', '| kpi without surprise', '| kpi without novelty', '| kpi without context'],
    '| rolling z-score over 1000 rows, limit 6',
  ]);
  expect(rows[0]).toMatch(/^\| \*\*kpi\*\* \| microsoft \| 0\.80 \| 0\.67 \| 1\.00 \| 2 \| 0\.079 \| 5 \|$/);
});

it('takes a rolling z-score from the rows before, as many as it is told', () => {
  const values = Array.from({ length: 300 }, (_, i) => (i < 150 ? 1000 : 0) + (i % 2));
  const scores = rollingZscores([...values, 10], 100);
  expect(scores.slice(0, 100)).toEqual(Array(100).fill(0));
  // The last hundred values are 0 and 1 in turn: mean .5, spread .5.
  expect(scores.at(-1)).toBeCloseTo(19, 6);
  expect(rollingZscores(Array(300).fill(7), 100)).toEqual(Array(300).fill(0));
});
