import { formatCounted, formatLength } from '../../../core/config/units.ts';
import { printable } from '../../../core/errors.ts';
import type { Incident } from '../../../core/incident/incident.ts';
import type { TimeZone } from '../../../core/time-zone.ts';
import type { Around, Brief, Briefs, KeptBack, Said } from '../../../http/api/resources/story/around.ts';
import { kindText } from '../../mark-text.ts';

/** What was going on around an incident, for people. Names and notes are untrusted. */

/** What people said of it. */
export const saidLines = ({ ack, mark }: Around, zone: TimeZone): string[] => [
  ...(ack ? [saidText('acknowledged', ack, zone)] : []),
  ...(mark ? [saidText(kindText(mark.kind), mark, zone)] : []),
];

const saidText = (what: string, { by, note, at }: Said, zone: TimeZone): string =>
  `${what} by ${printable(by)} at ${zone.text(at)}${note === '' ? '' : `: ${printable(note, 500)}`}`;

/** Whether it happened before, and since. */
export function historyLines(around: Around, incident: Incident, zone: TimeZone): string[] {
  const { from, earlier, later } = around;
  const count = earlier.incidents.length + earlier.more;
  const none =
    from < incident.start
      ? `no: of all incidents since ${zone.seconds(from)} no other is about the same`
      : 'not known: no incident is stored from before it';
  const before =
    count === 0
      ? [none]
      : [
          `${formatCounted(count, 'incident')} about the same in the 30 days before`,
          ...briefLines(earlier, zone),
        ];
  return [
    ...before,
    ...(later.incidents.length === 0
      ? []
      : [`${incident.resolvedAt === null ? 'besides' : 'since'}:`, ...briefLines(later, zone)]),
  ];
}

/** Other incidents at that time, silences and deploys. */
export function aroundLines({ others, silences }: Around, zone: TimeZone): string[] {
  const lines = [...silences.map(one => keptBackText(one, zone)), ...briefLines(others, zone)];
  return lines.length === 0 ? ['no deploy, no silence and no other incident is known'] : lines;
}

const briefLines = ({ incidents, more }: Briefs, zone: TimeZone): string[] => [
  ...incidents.map(one => briefText(one, zone)),
  ...(more > 0 ? [`and ${more} more: \`tidegauge incidents\` has all`] : []),
];

/** `1a2b3c4d5e6f7a8b, 2026-01-31T22:00:00Z for 2m, resolved, marked expected: shop-web-1: bytes sent …`. */
function briefText({ id, title, severity, state, start, end, mark }: Brief, zone: TimeZone): string {
  const said = mark === null ? '' : `, ${kindText(mark)}`;
  return `${id}, ${zone.seconds(start)} for ${formatLength(end - start)}, ${severity}, ${state}${said}: ${printable(title, 300)}`;
}

function keptBackText({ id, kind, about, from, until, owner, reason }: KeptBack, zone: TimeZone): string {
  const why = `by ${printable(owner)}${reason === '' ? '' : `: ${printable(reason)}`}`;
  return `${kind} ${printable(id)} of ${printable(about, 300)}, ${zone.seconds(from)} to ${zone.seconds(until)}, ${why}`;
}
