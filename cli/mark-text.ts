import { CAPTURE_RULE, SHIPPING_RULE } from '../alert/data-loss.ts';
import { FRAMES_RULE } from '../alert/silent-host.ts';
import { printable } from '../core/errors.ts';
import type { Mark, MarkKind, Spoke } from '../core/incident/mark.ts';
import { describeScope } from '../core/incident/scope.ts';
import type { TimeZone } from '../core/time-zone.ts';
import { factorText, MarkedLimits, MOST } from '../detector/fold/marks.ts';

/** Marks for people. What they wrote, and names, are untrusted text. */

const KIND_TEXT: Readonly<Record<MarkKind, string>> = {
  'false-alarm': 'marked a false alarm',
  expected: 'marked expected',
  real: 'marked real',
  none: 'mark taken back',
};

/** What speaks of losses, and of hosts that are silent, judges nothing that could be usual here. */
const UNMOVED = new Set([CAPTURE_RULE, SHIPPING_RULE, FRAMES_RULE]);

export const kindText = (kind: MarkKind): string => KIND_TEXT[kind];

/** `marked expected 2026-01-31T22:00:00.000Z by anna: the yearly load test`. */
export function markText({ kind, at, by, note }: Mark, zone: TimeZone): string {
  const why = note === '' ? '' : `: ${printable(note, 500)}`;
  return `${kindText(kind)} ${zone.text(at)} by ${printable(by)}${why}`;
}

/** A line for each limit that spoke in the incident: how tolerant it is now that `mark` is the newest of `marks`, and why. */
export function limitLines(mark: Mark, marks: readonly Mark[]): string[] {
  const limits = new MarkedLimits(marks).at(mark.at);
  return mark.spoke.map(spoke => {
    const label = labelOf(spoke, mark.host);
    if (UNMOVED.has(spoke.rule)) return `${label}: marks change nothing there`;
    const factor = limits.of(spoke.rule, spoke.service)?.factor(spoke) ?? 1;
    const tolerance = factor === 1 ? 'as calibrated' : `${factorText(factor)} as calibrated`;
    return `${label}: ${tolerance}${doubtOf(mark.kind, spoke, factor)}`;
  });
}

/** `traffic (level) of service shop/web`. */
function labelOf({ rule, service, direction, metric, view }: Spoke, host: string): string {
  const series = view ?? describeScope({ direction, metric });
  const part = series === '' ? '' : ` (${printable(series, 60)})`;
  const whose = service === null ? `host ${printable(host, 80)}` : `service ${printable(service, 80)}`;
  return `${printable(rule, 60)}${part} of ${whose}`;
}

/** What the person may not expect: that the same again alarms all the same. */
function doubtOf(kind: MarkKind, { score }: Spoke, factor: number): string {
  if ((kind !== 'false-alarm' && kind !== 'expected') || score < factor) return '';
  if (factor < MOST[kind])
    return '; the same again still alarms, as something less unusual was marked real there';
  if (kind === 'expected') return '; the same again still alarms: marks make nothing more tolerant than that';
  return '; the same again still alarms: false alarms make nothing more tolerant than that. Mark it expected if it may come again';
}
