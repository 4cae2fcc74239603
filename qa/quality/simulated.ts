import { appendFileSync, writeFileSync } from 'node:fs';
import { ABLATIONS, ALONE_ON_WINDOWS, DEFAULT, ROLLING_ZSCORE } from './candidates.ts';
import { type FleetSettings, type Listed, measureFleets } from './fleet-run.ts';
import { simulatedPage } from './report.ts';
import type { Section } from './section.ts';
import { LARGER, type Magnitudes, SMALLER } from './simulator/incidents.ts';

/** Days of the runs that compare, the fewest with incidents: each candidate costs as much as the main run does. */
const COMPARE_DAYS = 3;
/** Incidents of a sample are so many times as many as those of a fleet. */
const SAMPLE_REPEAT = 3;

export const simulated: Section = {
  name: 'simulated containers',
  async run(settings, progress) {
    const [total] = measureFleets([DEFAULT], settings, progress, listTo(settings.list));
    if (!total) return '';
    // Looking at some kinds or other sizes is looking at the default rules.
    if (settings.quick && (settings.kinds || settings.sizes)) return simulatedPage(settings, total, null);
    const compare: FleetSettings = {
      ...settings,
      days: Math.min(settings.days, COMPARE_DAYS),
      seeds: settings.seeds.slice(0, 1),
    };
    const sample: FleetSettings = { ...compare, sample: true, repeat: SAMPLE_REPEAT };
    const within = (name: string) => (line: string) => progress(`${name}: ${line}`);
    const fleets = measureFleets([DEFAULT, ROLLING_ZSCORE], compare, within('compared'));
    const candidates = [DEFAULT, ...ALONE_ON_WINDOWS, ...ABLATIONS];
    const parts = measureFleets(candidates, sample, within('parts'));
    const sized = (sizes: Magnitudes) =>
      measureFleets([DEFAULT], { ...sample, sizes }, within('other sizes'));
    const { days, seeds } = compare;
    const bySize = [...sized(SMALLER), ...parts.slice(0, 1), ...sized(LARGER)];
    return simulatedPage(settings, total, { days, seeds, fleets, parts, sized: bySize });
  },
};

/** Appends a line for each false alert and incident, as services are done; the file is emptied first. */
function listTo(file: string | null): (listed: Listed) => void {
  if (file === null) return () => undefined;
  writeFileSync(file, '');
  return listed => appendFileSync(file, `${JSON.stringify(listed)}\n`);
}
