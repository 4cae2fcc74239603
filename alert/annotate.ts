import { type Annotation, type Incident, stateOfIncident } from '../core/incident/incident.ts';
import type { Stage } from './contract.ts';
import { annotationText } from './text.ts';

/** The region of an incident on a time axis. */
export function annotationOf(incident: Incident): Annotation {
  const { id, host, service, container, start, end, severity, title } = incident;
  const state = stateOfIncident(incident);
  return { id, host, service, container, start, end, severity, state, title, text: annotationText(incident) };
}

/** Every incident that changed gets its annotation written anew: one id, one region. */
export const annotate: Stage = {
  name: 'annotate',
  run(batch) {
    const annotations = batch.changes.map(change => annotationOf(change.incident));
    return { batch: { ...batch, annotations }, stopped: [] };
  },
};
