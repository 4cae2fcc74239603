import {
  AGES,
  type Candidate,
  type FalseAlert,
  measureService,
  type Outcome,
  type Result,
} from './measure.ts';
import { fleet, type Kind, type Service } from './simulator/fleet.ts';
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

/** A false alert or an incident, and where: what a list of all of them has in a line. */
export type Listed = { readonly seed: number; readonly candidate: string } & (
  | ({ readonly what: 'false alert' } & FalseAlert)
  | ({ readonly what: 'found' | 'missed' } & Outcome)
);

export interface FleetSettings {
  readonly days: number;
  readonly seeds: readonly number[];
  /** Containers of these kinds only; null: all. */
  readonly kinds: readonly Kind[] | null;
  /** How large incidents are; null: as simulated by default. */
  readonly sizes: Magnitudes | null;
  /** Only the first service of each kind. */
  readonly sample?: boolean;
  /** So many times the incidents. */
  readonly repeat?: number;
}

/** Run one fleet for each seed, service after service; all candidates see the same frames. */
export function measureFleets(
  candidates: readonly Candidate[],
  settings: FleetSettings,
  progress: (line: string) => void,
  list: (one: Listed) => void = () => undefined,
): Total[] {
  const totals = candidates.map(({ name }): Total => {
    return { name, falseAlerts: [], outcomes: [], weeks: AGES.map(() => 0) };
  });
  const { days, seeds, repeat = 1 } = settings;
  const magnitudes = settings.sizes ?? undefined;
  for (const seed of seeds) {
    const random = new Random(seed);
    const services = fleet(random);
    const wanted = servicesOf(services, settings);
    for (const [done, service] of services.entries()) {
      // Drawn for all, so that a service is the same whatever is asked for.
      const own = { days, repeat, magnitudes, seed: Math.floor(random.uniform() * 2 ** 32) };
      if (!wanted.has(service)) continue;
      const results = measureService(service, candidates, own);
      for (const [i, result] of results.entries()) {
        const total = totals[i];
        if (!total) continue;
        add(total, result);
        for (const one of listed({ seed, candidate: total.name }, result)) list(one);
      }
      progress(`seed ${seed}, service ${done + 1} of ${services.length}: ${service.name}`);
    }
  }
  return totals;
}

/** The services that are asked for. */
function servicesOf(services: readonly Service[], { kinds, sample }: FleetSettings): ReadonlySet<Service> {
  const ofKinds = services.filter(({ kind }) => kinds === null || kinds.includes(kind));
  if (!sample) return new Set(ofKinds);
  return new Set(ofKinds.filter(({ kind }, i) => ofKinds.findIndex(one => one.kind === kind) === i));
}

function add(total: Total, { falseAlerts, outcomes, exposure }: Result): void {
  total.falseAlerts.push(...falseAlerts);
  total.outcomes.push(...outcomes);
  exposure.forEach((frames, age) => {
    total.weeks[age] = (total.weeks[age] ?? 0) + frames / (7 * DAY);
  });
}

const listed = (where: { seed: number; candidate: string }, { falseAlerts, outcomes }: Result): Listed[] => [
  ...falseAlerts.map(one => ({ what: 'false alert' as const, ...where, ...one })),
  ...outcomes.map(one => ({
    what: one.delay === null ? ('missed' as const) : ('found' as const),
    ...where,
    ...one,
  })),
];
