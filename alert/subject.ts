import type { Incident } from '../core/incident/incident.ts';
import type { Scope } from '../core/incident/verdict.ts';

/** Whom alarms, incidents and detections are about; what does not apply to the scope is empty. */
export type Who = Pick<Incident, 'service' | 'container'>;

export const whoOf = (scope: Scope): Who => ({
  container: scope.container ?? '',
  service: scope.service ?? '',
});

/**
 * Key of whom it is about: the container alone where there is one, since it may change its service while its incident
 * is open. A JSON list, so that no name can be mistaken for another.
 */
export const keyOf = (who: Who): string =>
  JSON.stringify(who.container === '' ? ['service', who.service] : ['container', who.container]);
