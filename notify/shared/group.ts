import {
  type Incident,
  type IncidentState,
  type Notification,
  SEVERITIES,
  stateOfIncident,
} from '../../core/incident/incident.ts';
import type { Told } from '../contract.ts';

/** What one message tells, one notification or those of a group: worst first, and as many as there are. */

/** How many incidents a text for people lists; of the others it has their number. */
export const LISTED = 10;

/** All that a message tells, the most severe first. Each by itself, without the others. */
export function worstFirst({ others = [], decided: _, ...first }: Told): [Notification, ...Notification[]] {
  const all = [first, ...others].sort(byWeight);
  return all as [Notification, ...Notification[]];
}

/** Worst first. */
const byWeight = ({ incident: a }: Notification, { incident: b }: Notification): number =>
  SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || b.score - a.score;

/** Where all of them stand, which have one status: `ended` when none was seen to be well again. */
export function stateOf(all: readonly Notification[]): IncidentState {
  if (all.some(({ status }) => status === 'firing')) return 'firing';
  return all.every(({ incident }) => stateOfIncident(incident) === 'ended') ? 'ended' : 'resolved';
}

/** `3 critical, 37 warning` */
export const severityCounts = (all: readonly Pick<Incident, 'severity'>[]): string =>
  [...SEVERITIES]
    .reverse()
    .map(severity => ({ severity, count: all.filter(one => one.severity === severity).length }))
    .filter(({ count }) => count > 0)
    .map(({ severity, count }) => `${count} ${severity}`)
    .join(', ');
