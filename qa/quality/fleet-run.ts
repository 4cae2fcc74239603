import { AGES, type Candidate, type FalseAlert, measureService, type Outcome } from './measure.ts';
import { fleet } from './simulator/fleet.ts';
import type { Magnitudes } from './simulator/incidents.ts';
import { Random } from './simulator/random.ts';
import { DAY } from './simulator/sources.ts';

/** What a candidate did on all fleets together. */
export interface Total {
  readonly name: string;
  readonly falseAlerts: FalseAlert[];
  readonly outcomes: Outcome[];
  /** Container-weeks watched, by age. */
  readonly weeks: number[];
}

/** Run one fleet for each seed, service after service; all candidates see the same frames. */
export function measureFleets(
  candidates: readonly Candidate[],
  settings: { days: number; seeds: readonly number[]; magnitudes?: Magnitudes },
  progress: (line: string) => void,
): Total[] {
  const totals = candidates.map(({ name }): Total => {
    return { name, falseAlerts: [], outcomes: [], weeks: AGES.map(() => 0) };
  });
  for (const seed of settings.seeds) {
    const random = new Random(seed);
    const services = fleet(random);
    for (const [done, service] of services.entries()) {
      const own = { ...settings, seed: Math.floor(random.uniform() * 2 ** 32) };
      const results = measureService(service, candidates, own);
      for (const [i, { falseAlerts, outcomes, exposure }] of results.entries()) {
        const total = totals[i];
        if (!total) continue;
        total.falseAlerts.push(...falseAlerts);
        total.outcomes.push(...outcomes);
        exposure.forEach((frames, age) => {
          total.weeks[age] = (total.weeks[age] ?? 0) + frames / (7 * DAY);
        });
      }
      progress(`seed ${seed}, service ${done + 1} of ${services.length}: ${service.name}`);
    }
  }
  return totals;
}
