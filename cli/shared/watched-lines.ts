import { formatCounted } from '../../core/config/units.ts';
import { printable } from '../../core/errors.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { blindText } from '../../core/traffic/blind.ts';
import type { WatchedThen } from '../../http/api/resources/story/watched.ts';
import type { Present } from '../times.ts';

/** What nobody saw of an incident, for people; nothing when it was watched all the time. */
export function watchedLines(
  then: WatchedThen,
  { start }: Pick<Incident, 'start'>,
  { zone }: Present,
): string[] {
  if ('unknown' in then)
    return [`whether it was watched all the time is not known: ${printable(then.unknown, 500)}`];
  const { looked, blind, more, silentSince } = then;
  const unseen = blindText(blind, zone);
  const lines = unseen === null ? [] : [unseen];
  if (more > 0) lines.push(`blind ${formatCounted(more, 'more time')}, none of them longer than those`);
  if (looked.from > start)
    lines.push(`whether it was watched before ${zone.text(looked.from)} was not looked up`);
  if (silentSince !== null)
    lines.push(
      `no frame since ${zone.text(silentSince)}: the host is not watched, or its frames have not arrived`,
    );
  return lines;
}
