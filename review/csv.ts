import { isoTime } from '../core/clock.ts';
import { type Incident, stateOfIncident } from '../core/incident/incident.ts';
import type { Change } from './changes.ts';

/** Incidents as lines of CSV (RFC 4180, lines end with \\r\\n). Times are ISO 8601, UTC. */

/** Incidents of settings: for those that are compared with the first, how each one changes. */
export type CsvSide =
  | { readonly name: string; readonly incidents: readonly Incident[] }
  | { readonly name: string; readonly changes: readonly Change[] };

const COLUMNS = [
  'settings',
  'change',
  'id',
  'host',
  'service',
  'container',
  'severity',
  'state',
  'start',
  'end',
  'resolved_at',
  'score',
  'rules',
  'title',
  'members',
] as const;

/** A header, then a line for each incident of each side. What is gone is a line with what it was before. */
export function incidentsCsv(sides: readonly CsvSide[]): string {
  const rows = sides.flatMap(side =>
    'incidents' in side
      ? side.incidents.map(incident => rowOf(side.name, '', incident))
      : side.changes.flatMap(({ kind, before, after }) => {
          const incident = after ?? before;
          return incident ? [rowOf(side.name, kind, incident)] : [];
        }),
  );
  return [COLUMNS, ...rows].map(row => `${row.map(cell).join(',')}\r\n`).join('');
}

function rowOf(settings: string, change: string, incident: Incident): readonly (string | number)[] {
  const { id, host, service, container, severity, start, end, resolvedAt, score, findings, title } = incident;
  const rules = [...new Set(findings.map(({ rule }) => rule))].join(' ');
  return [
    ...[settings, change, id, host, service, container, severity, stateOfIncident(incident)],
    ...[isoTime(start), isoTime(end), resolvedAt === null ? '' : isoTime(resolvedAt)],
    ...[score, rules, title, membersText(incident)],
  ];
}

/** All whom an incident of several is about, the first to be noticed first; of one alone empty. */
const membersText = ({ members = [] }: Incident): string =>
  members.map(({ service, container }) => container || service).join(';');

/** Names are untrusted: a text that a spreadsheet would take for a formula gets an apostrophe in front of it. */
function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
