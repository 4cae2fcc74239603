import { isoTime } from '../../../core/clock.ts';
import { printable } from '../../../core/errors.ts';
import type { Incident } from '../../../core/incident/incident.ts';
import type { Story } from '../../../http/api/resources/story/story.ts';
import type { CommandHere } from './command-here.ts';

/** What can be done about an incident: commands that can be run as they are. */

/** What is looked at begins this long before the incident, and ends this long after it, ms. */
const MARGIN_MS = 600_000;

export function nextLines(
  { incident, around, page }: Pick<Story, 'incident' | 'around' | 'page'>,
  call: CommandHere,
): string[] {
  const { id, host, start, end } = incident;
  const isFiring = incident.resolvedAt === null;
  const who = whoFlags(incident);
  const onHost = flag('host', host);
  const where = [onHost, ...who].filter(Boolean).join(' ');
  const range = `--from ${minute(start - MARGIN_MS)} --to ${minute(end + MARGIN_MS)}${where && ` ${where}`}`;
  return [
    ...(isFiring && around.ack === null ? [call(`incident ack ${id} --note 'on it'`)] : []),
    // Without its host, a name would be silenced on all hosts.
    ...(isFiring && onHost !== '' && who.length > 0
      ? [call(`silence add ${where} --for 1h --reason 'known'`)]
      : []),
    call(`map ${range}`),
    call(`review ${range} --html incident.html`, false),
    ...(around.mark === null
      ? [call(`incident mark ${id} --real`), '  (or --expected, or --false-alarm)']
      : []),
    ...(page === ''
      ? []
      : [`${printable(page.replace(/\/+$/, ''), 500)}/?incident=${encodeURIComponent(id)}`]),
  ];
}

/** The one container or service it is about; empty: the host, several, or a name that cannot be a word of a command. */
function whoFlags({ service, container, members = [] }: Incident): string[] {
  if (members.length === 0)
    return [container === '' ? flag('service', service) : flag('container', container)].filter(Boolean);
  const [only, ...others] = new Set(members.map(member => member.service));
  return others.length === 0 ? [flag('service', only ?? '')].filter(Boolean) : [];
}

/** Names are untrusted: one that a shell could take for more than a name is left out. */
const flag = (option: string, value: string): string =>
  /^[\w./][\w./-]*$/.test(value) ? `--${option} ${value}` : '';

const minute = (time: number): string => `${isoTime(time).slice(0, 16)}Z`;
