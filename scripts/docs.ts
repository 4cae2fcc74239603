/** Writes the reference pages that are derived from code: `npm run docs`. A test keeps them current. */
import { writeFileSync } from 'node:fs';
import { PAGES } from '../cli/pages/reference.ts';

for (const [file, render] of Object.entries(PAGES)) {
  writeFileSync(new URL(`../${file}`, import.meta.url), render());
  console.log(`written: ${file}`);
}
