import { appendFileSync, writeFileSync } from 'node:fs';
import { ABLATIONS, ALONE, DEFAULT, ROLLING_ZSCORE } from './candidates.ts';
import { type Listed, measureFleets } from './fleet-run.ts';
import { simulatedPage } from './report.ts';
import type { Section } from './section.ts';

/** Days of the run that compares candidates, the fewest with incidents: it costs as much for each as the main run does. */
const COMPARE_DAYS = 3;

export const simulated: Section = {
  name: 'simulated containers',
  async run(settings, progress) {
    const [total] = measureFleets([DEFAULT], settings, progress, listTo(settings.list));
    if (!total) return '';
    // Looking at some kinds or other sizes is looking at the default rules.
    if (settings.quick && (settings.kinds || settings.sizes)) return simulatedPage(settings, total, null);
    const compare = {
      ...settings,
      days: Math.min(settings.days, COMPARE_DAYS),
      seeds: settings.seeds.slice(0, 1),
    };
    const more = settings.quick ? [] : [...ALONE, ...ABLATIONS];
    const others = measureFleets([DEFAULT, ROLLING_ZSCORE, ...more], compare, progress);
    return simulatedPage(settings, total, { ...compare, totals: others });
  },
};

/** Appends a line for each false alert and incident, as services are done; the file is emptied first. */
function listTo(file: string | null): (listed: Listed) => void {
  if (file === null) return () => undefined;
  writeFileSync(file, '');
  return listed => appendFileSync(file, `${JSON.stringify(listed)}\n`);
}
