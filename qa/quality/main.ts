/** Measures detection and writes docs/quality.md: `npm run quality -- [--quick] [--days N] [--seeds 1,2,…] [--series DIR]`. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { laboratory } from './lab-section.ts';
import type { Section, Settings } from './section.ts';
import { publicSeries } from './series-section.ts';
import { simulated } from './simulated.ts';

/** The parts of the page, in its order. */
const SECTIONS: readonly Section[] = [simulated, publicSeries, laboratory];

function settingsOf(): Settings {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      days: { type: 'string' },
      seeds: { type: 'string' },
      series: { type: 'string' },
    },
  });
  const days = Number(values.days ?? (values.quick ? 4 : 14));
  const seeds = (values.seeds ?? '103').split(',').map(Number);
  if (!(Number.isInteger(days) && days >= 3)) {
    throw new Error(
      `--days: a whole number of at least 3 (incidents begin on the third day), not ${values.days}`,
    );
  }
  if (!seeds.every(Number.isSafeInteger)) {
    throw new Error(`--seeds: whole numbers separated by commas, not ${values.seeds}`);
  }
  return { days, seeds, quick: values.quick, series: values.series ?? null };
}

/** What to type to get this page again. */
function argumentsText({ days, seeds, quick, series }: Settings): string {
  const flags = [
    quick ? '--quick' : '',
    `--days ${days}`,
    `--seeds ${seeds.join(',')}`,
    series && '--series DIR',
  ];
  return ` -- ${flags.filter(Boolean).join(' ')}`;
}

async function main(): Promise<void> {
  const settings = settingsOf();
  const parts: string[] = [];
  for (const section of SECTIONS) {
    parts.push(await section.run(settings, line => console.log(`${section.name}: ${line}`)));
  }
  const page = `<!-- Made by \`npm run quality\`; edit there. -->
# Quality of detection

How often the default rules are wrong, and what they find. One frozen configuration for all containers. Measured with
\`npm run quality${argumentsText(settings)}\`.

${parts.filter(part => part !== '').join('\n')}`;
  writeFileSync(new URL('../../docs/quality.md', import.meta.url), page);
  console.log('written: docs/quality.md');
}

await main();
