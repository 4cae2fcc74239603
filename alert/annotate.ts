import { type Annotation, type Incident, type Peak, stateOfIncident } from '../core/incident/incident.ts';
import type { Stage } from './contract.ts';
import { nearerBound } from './detections.ts';
import { annotationText } from './text.ts';

/** The region of an incident on a time axis. */
export function annotationOf(incident: Incident): Annotation {
  const { id, host, service, container, start, end, severity, title } = incident;
  const state = stateOfIncident(incident);
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
