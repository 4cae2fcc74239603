/**
 * Measures detection and writes docs/quality.md:
 * `npm run quality -- [--quick] [--days N] [--seeds 1,2,…] [--series DIR] [--list FILE]`. With `--kinds worker,batch` or
 * `--sizes flood=10,spike=30` the page goes to standard output, and of the simulator only.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { laboratory } from './lab-section.ts';
import type { Section } from './section.ts';
import { publicSeries } from './series-section.ts';
import { argumentsText, settingsOf } from './settings.ts';
import { simulated } from './simulated.ts';

const DOCUMENT = fileURLToPath(new URL('../../docs/quality.md', import.meta.url));

/** The parts of the page, in its order. */
const SECTIONS: readonly Section[] = [simulated, publicSeries, laboratory];

async function main(): Promise<void> {
  const settings = settingsOf(process.argv.slice(2));
  const isOther = settings.kinds !== null || settings.sizes !== null;
  const parts: string[] = [];
  for (const section of isOther ? [simulated] : SECTIONS) {
    parts.push(await section.run(settings, line => console.error(`${section.name}: ${line}`)));
  }
  const page = `<!-- Made by \`npm run quality\`; edit there. -->
# Quality of detection

How often the default rules are wrong, and what they find. One frozen configuration for all containers. Measured with
\`npm run quality${argumentsText(settings)}\`.

${parts.filter(part => part !== '').join('\n')}`;
  if (isOther) {
    console.log(page);
    return;
  }
  writeFileSync(DOCUMENT, page);
  execFileSync('biome', ['format', '--write', DOCUMENT], { stdio: 'ignore' });
  console.error('written: docs/quality.md');
}

await main();
