import { formatCounted } from '../../core/config/units.ts';
import type { TimeZone } from '../../core/time-zone.ts';

/** Who is still being learned, in words. */

/** By container, until when it is learned, epoch ms; null: that is not known. */
type Learned = ReadonlyMap<string, number | null>;

/** `until 22:53`, with the date when that is another day; `yes` when it is not known. */
function untilText(until: number | null, now: number, zone: TimeZone): string {
  if (until === null) return 'yes';
  const [day, time] = zone.seconds(until).split('T');
  const isToday = day === zone.seconds(now).split('T')[0];
  return `until ${isToday ? '' : `${day} `}${time?.slice(0, 5)}`;
}

/** Cells of the table. `now`: epoch ms. */
export const untilTexts = (learning: Learned, now: number, zone: TimeZone): Map<string, string> =>
  new Map([...learning].map(([name, until]) => [name, untilText(until, now, zone)]));

/** `still learning 12 containers, the last one until 22:53`; null when there are none. */
export function learningText(learning: Learned, now: number, zone: TimeZone): string | null {
  if (learning.size === 0) return null;
  const who = `still learning ${formatCounted(learning.size, 'container')}`;
  const known = [...learning.values()].filter(until => until !== null);
  if (known.length === 0) return who;
  return `${who}, ${learning.size > 1 ? 'the last one ' : ''}${untilText(Math.max(...known), now, zone)}`;
}
