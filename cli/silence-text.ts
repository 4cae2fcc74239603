import { formatCounted, formatLength } from '../core/config/units.ts';
import { printable } from '../core/errors.ts';
import { type Silence, subjectOf } from '../core/incident/silence.ts';
import { type Holding, isSoon } from '../http/api/resources/silences.ts';
import type { Present } from './times.ts';

/** `1a2b3c4d: container web-*, until 2026-01-31T22:00:00.000Z, by anna: deploy`. */
export function silenceLine({ id, kind, ...silence }: Silence, { now, zone }: Present): string {
  const { from, until, owner, reason } = silence;
  const begin = from > now ? `from ${zone.text(from)} ` : '';
  const end = `${until > now ? 'until' : 'ended'} ${zone.text(until)}`;
  const what = kind === undefined ? '' : `${WHAT[kind]}, `;
  return `${printable(id)}: ${what}${subjectOf(silence)}, ${begin}${end}, by ${printable(owner)}${reason === '' ? '' : `: ${printable(reason)}`}`;
}

const WHAT: Readonly<Record<NonNullable<Silence['kind']>, string>> = {
  deploy: 'deploy',
  maintenance: 'maintenance window',
};

/** The same with what it keeps back, and that it ends soon while it does. */
export function holdingLine({ silence, holds }: Holding, present: Present): string {
  const line = silenceLine(silence, present);
  if (holds.length === 0) return line;
  const soon = isSoon({ silence, holds }, present.now)
    ? `; ends in ${formatLength(silence.until - present.now)}, and they are told of then`
    : '';
  return `${line} (keeps back ${formatCounted(holds.length, 'incident')}${soon})`;
}
