import {
  type Annotation,
  type Incident,
  type Peak,
  roundOf,
  stateOfIncident,
} from '../core/incident/incident.ts';
import type { Stage } from './contract.ts';
import { nearerBound } from './detections.ts';
import { annotationText } from './text.ts';

/**
 * The region of an incident on a time axis. One that was reopened has a second region, from then on: what was quiet is
 * in neither, and the first, which is over, stays as it is.
 */
export function annotationOf(incident: Incident): Annotation {
  const { host, service, container, end, severity, title } = incident;
  const state = stateOfIncident(incident);
  const round = roundOf(incident);
  const id = round === 1 ? incident.id : `${incident.id}-${round}`;
  const start = incident.reopenedAt ?? incident.start;
  const text = annotationText(incident);
  return { id, host, service, container, start, end, severity, state, title, text, ...peakOf(incident) };
}

function peakOf({ findings: [worst] }: Incident): { peak?: Peak } {
  if (!worst) return {};
  const { rule, scope, evidence } = worst;
  const direction = scope.direction ?? evidence.direction ?? null;
  const { seen, unit } = evidence;
  const expected = nearerBound(evidence);
  // No database holds others.
  if (!Number.isFinite(seen) || !Number.isFinite(expected ?? 0)) return {};
  return { peak: { rule, direction, metric: scope.metric, seen, expected, unit } };
}

/** Every incident that changed gets its annotation written anew: one id, one region. */
export const annotate: Stage = {
  name: 'annotate',
  run(batch) {
    const annotations = batch.changes.map(change => annotationOf(change.incident));
    return { batch: { ...batch, annotations }, stopped: [] };
  },
};
