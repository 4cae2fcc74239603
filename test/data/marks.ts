import type { Incident } from '../../core/incident/incident.ts';
import { type Mark, type NewMark, spokeIn } from '../../core/incident/mark.ts';

/** What anna said of an incident when it ended; `parts` override. */
export function newMarkOf(incident: Incident, parts: Partial<NewMark> = {}): NewMark {
  const { id, host, service, container, start, end } = incident;
  const said = { kind: 'false-alarm', by: 'anna', note: '', at: end } as const;
  return { incident: id, host, service, container, start, ...said, spoke: spokeIn(incident), ...parts };
}

/** The same as it is kept: the `seq`-th. */
export const markOf = (incident: Incident, seq: number, parts: Partial<Mark> = {}): Mark => ({
  ...newMarkOf(incident),
  seq,
  from: null,
  ...parts,
});
