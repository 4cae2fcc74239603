import { isoTime } from '../core/clock.ts';
import { isExact } from '../core/config/match.ts';
import { printable } from '../core/errors.ts';
import { type Ack, ackText } from '../core/incident/ack.ts';
import type { Annotation } from '../core/incident/incident.ts';
import type { Mark } from '../core/incident/mark.ts';
import { type Silence, subjectOf } from '../core/incident/silence.ts';
import { UTC } from '../core/time-zone.ts';

/**
 * What people and calendars did, beside the incidents on the time axis: silences, deploys and maintenance windows as
 * regions, acknowledgements and marks as moments. Names are untrusted; the texts are free of control characters.
 */

/** One that has begun, as it stands at `now`, epoch ms: its region is written when it begins and when it ends. */
export function silenceAnnotation(silence: Silence, now: number): Annotation {
  const { id, kind, match, from, until, owner, reason } = silence;
  const isOver = until <= now;
  const what = kind ?? 'silence';
  const title = `${TITLE[what]} ${printable(id)} by ${printable(owner)}${reason === '' ? '' : `: ${printable(reason)}`}`;
  return {
    id: kind === 'maintenance' ? `${what}-${id}-${from}` : `${what}-${id}`,
    host: exact(match.host),
    service: exact(match.service),
    container: exact(match.container),
    start: from,
    end: isOver ? until : from,
    severity: 'info',
    state: isOver ? 'ended' : 'firing',
    title,
    text: `${title}\nkeeps back ${subjectOf(silence)}\nfrom ${isoTime(from)} until ${isoTime(until)}`,
  };
}

const TITLE = { silence: 'silence', deploy: 'deploy', maintenance: 'maintenance window' } as const;

/** The name, where it is one; empty: of several. */
const exact = (glob: string): string => (isExact(glob) ? glob : '');

/** That somebody took an incident on, and that this was taken back. */
export function ackAnnotations(ack: Ack): Annotation[] {
  const { undone, ...taken } = ack;
  const one = (at: number, what: string, text: string) =>
    moment(ack, { id: `${what}-${ack.incident}-${at}`, at, text });
  return [
    one(ack.at, 'ack', ackText(taken, UTC)),
    ...(undone ? [one(undone.at, 'ack-undone', ackText(ack, UTC))] : []),
  ];
}

export function markAnnotation(mark: Mark): Annotation {
  const { seq, kind, by, note, at } = mark;
  const said = kind === 'none' ? 'mark taken back' : `marked ${kind}`;
  const text = `${said} by ${printable(by)}${note === '' ? '' : `: ${printable(note, 500)}`}`;
  return moment(mark, { id: `mark-${seq}`, at, text });
}

/** About an incident, which is named in the text. */
function moment(
  about: Pick<Ack, 'incident' | 'host' | 'service' | 'container'>,
  { id, at, text }: { readonly id: string; readonly at: number; readonly text: string },
): Annotation {
  const { incident, host, service, container } = about;
  return {
    ...{ id, host, service, container, start: at, end: at, severity: 'info', state: 'ended' },
    ...{ title: text, text: `${text}\nincident ${printable(incident)}` },
  };
}
