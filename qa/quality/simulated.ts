import { appendFileSync, writeFileSync } from 'node:fs';
import { ABLATIONS, ALONE, DEFAULT, ROLLING_ZSCORE } from './candidates.ts';
import { type Listed, measureFleets } from './fleet-run.ts';
import { simulatedPage } from './report.ts';
import type { Section } from './section.ts';

/** Days of the run that compares many candidates: it costs as much for each as the main run does. */
const COMPARE_DAYS = 4;

export const simulated: Section = {
  name: 'simulated containers',
  async run(settings, progress) {
    const [total] = measureFleets([DEFAULT], settings, progress, listTo(settings.list));
    if (!total) return '';
    if (settings.quick) return simulatedPage(settings, total, null);
    const compare = {
      ...settings,
      days: Math.min(settings.days, COMPARE_DAYS),
      seeds: settings.seeds.slice(0, 1),
    };
    const others = measureFleets([DEFAULT, ROLLING_ZSCORE, ...ALONE, ...ABLATIONS], compare, progress);
    return simulatedPage(settings, total, { ...compare, totals: others });
  },
};

/** Appends a line for each false alert and incident, as services are done; the file is emptied first. */
function listTo(file: string | null): (listed: Listed) => void {
  if (file === null) return () => undefined;
  writeFileSync(file, '');
  return listed => appendFileSync(file, `${JSON.stringify(listed)}\n`);
}
