import { expect, it } from '@jest/globals';
import { foundLines } from '../../../cli/commands/demo.ts';
import { incidentOf } from '../../data/incidents.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { tidegauge } from '../../parts/tidegauge.ts';

it.each(['0s', '59s', '25h', 'soon'])('--for %s is refused before anything is made', async length => {
  const folder = temporaryFolder();
  const child = tidegauge(['demo', '--for', length], { cwd: folder.path });
  await child.ended(2);
  expect(child.output).toMatch(/--for: expected a duration from 1m .* to 1d, found/);
  folder.remove();
});

it('ends with what was found, or says that the alert did not come', () => {
  const leak = incidentOf(0, { container: '/tidegauge-demo/shop-db', title: 'shop-db: much' });
  expect(foundLines([leak])).toEqual(['found: shop-db: much']);
  expect(foundLines([])).toEqual([expect.stringContaining('did not come')]);
});
