import type { Inhibition } from '../../core/config/routes.ts';
import { printable } from '../../core/errors.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { compileMatchers, type IncidentLabels, labelsOf } from '../../core/incident/matcher.ts';
import { partsOf } from '../../core/incident/members.ts';
import { valuesOf } from './router.ts';

/** Which of the incidents that fire keep others quiet. */
export interface Inhibitor {
  /** Why nobody is told of the incident now, or null. */
  holds(incident: Incident): string | null;
}

/**
 * Of those that fire now. An incident never holds itself, nor one that holds others by the same entry. One that has
 * brought several together holds others by each of them, and is held when each of them is.
 */
export type InhibitorOf = (firing: readonly Incident[]) => Inhibitor;

interface Compiled {
  readonly isSource: (labels: Partial<IncidentLabels>) => boolean;
  readonly isTarget: (labels: Partial<IncidentLabels>) => boolean;
  /** What has to be the same in both, as one text. */
  readonly valuesIn: (incident: Incident) => string;
}

/** Matchers are compiled once. */
export function createInhibition(inhibitions: readonly Inhibition[]): InhibitorOf {
  const compiled: Compiled[] = inhibitions.map(({ source, target, equal }) => ({
    isSource: compileMatchers(source),
    isTarget: compileMatchers(target),
    valuesIn: incident => JSON.stringify(Object.values(valuesOf(incident, equal))),
  }));
  return firing => {
    const sources = compiled.map(one => sourcesIn(firing, one));
    const reasonFor = (part: Incident): string | null => {
      const labels = labelsOf(part);
      for (const [i, { isSource, isTarget, valuesIn }] of compiled.entries()) {
        if (!isTarget(labels) || isSource(labels)) continue;
        const source = sources[i]?.get(valuesIn(part));
        if (source && source.id !== part.id)
          return `inhibited by incident ${source.id}: ${printable(source.title, 200)}`;
      }
      return null;
    };
    return {
      holds(incident) {
        let reason: string | null = null;
        for (const part of partsOf(incident)) {
          reason = reasonFor(part);
          if (reason === null) return null;
        }
        return reason;
      },
    };
  };
}

/** Of those with the same values the first. */
function sourcesIn(firing: readonly Incident[], { isSource, valuesIn }: Compiled): Map<string, Incident> {
  const found = new Map<string, Incident>();
  for (const incident of firing) {
    for (const part of partsOf(incident)) {
      if (!isSource(labelsOf(part))) continue;
      const values = valuesIn(part);
      if (!found.has(values)) found.set(values, incident);
    }
  }
  return found;
}
