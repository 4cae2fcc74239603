import { isoTime } from '../core/clock.ts';
import { formatCounted, formatLength } from '../core/config/units.ts';
import { printable } from '../core/errors.ts';
import type { Incident } from '../core/incident/incident.ts';
import { matcherText } from '../core/incident/matcher.ts';
import { coverage, isInForce, type Silence, subjectOf } from '../core/incident/silence.ts';
import type { Present } from './times.ts';

/** One that ends so soon, ms, and still keeps something back is pointed out. */
export const SOON_MS = 900_000;

/** A silence, and the firing incidents that it keeps back now. */
export interface Holding {
  readonly silence: Silence;
  readonly holds: readonly Incident[];
}

export const holdingOf = (silence: Silence, firing: readonly Incident[], now: number): Holding => {
  const covering = coverage([silence]);
  return { silence, holds: firing.filter(incident => covering(incident, now) !== null) };
};

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

const isSoon = ({ silence, holds }: Holding, now: number): boolean =>
  holds.length > 0 && silence.until - now <= SOON_MS;

export function silenceJson({ silence, holds }: Holding, now: number): object {
  const { id, kind, match, matchers = [], from, until, owner, reason } = silence;
  return {
    ...{ id, kind: kind ?? 'silence', ...match, matchers: matchers.map(matcherText) },
    ...{ from: isoTime(from), until: isoTime(until), in_force: isInForce(silence, now) },
    ...{ owner, reason },
    holds: holds.map(incident => incident.id),
    expiring: isSoon({ silence, holds }, now),
  };
}
