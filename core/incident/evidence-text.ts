import { formatCounted, formatLength } from '../config/units.ts';
import { printable } from '../errors.ts';
import { type TimeZone, UTC } from '../time-zone.ts';
import { ROOT_CGROUP } from '../traffic/frame.ts';
import type { Confirmed, Finding, Incident, Recurrence, TopPeer } from './incident.ts';

/** What a finding says, as sentences for people. Names are untrusted. */

const EVIDENCE_LIMIT = 300;
const NAME_LIMIT = 60;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

/** All of it: `12 MiB/s, expected up to 1.4 MiB/s; 92% of the bytes to service shop/db on tcp 5432; third time in 7 days, …`. */
export const sentenceOf = (finding: Finding, zone: TimeZone = UTC): string =>
  [printable(finding.evidence.text, EVIDENCE_LIMIT), ...circumstancesOf(finding, zone)].join('; ');

/** What is known besides: how it was confirmed, who the peer was, how often it happened before. Times are in `zone`. */
export function circumstancesOf(
  { first, peer, before, confirmed, evidence, scope }: Finding,
  zone: TimeZone = UTC,
): string[] {
  const direction = scope.direction ?? evidence.direction;
  const who = peer && direction ? peerText(peer, direction === 'send' ? 'to' : 'from') : null;
  // First: who reads an incident from JSON knows of the others alone, and takes them from the end.
  const how = confirmed ? confirmedText(confirmed, zone) : null;
  return [how, who, before ? recurrenceText(before, first, zone) : null].filter(part => part !== null);
}

/** `goes up and down: 5 times in 4m`, once it is over in the past tense; null: it does not. */
export function flappingText({ flapping, resolvedAt }: Incident): string | null {
  if (!flapping) return null;
  const { times, since, last } = flapping;
  return `${resolvedAt === null ? 'goes' : 'went'} up and down: ${times} times in ${formatLength(last - since)}`;
}

const confirmedText = ({ alarms, frames, since }: Confirmed, zone: TimeZone): string =>
  `confirmed by ${formatCounted(alarms, 'alarm')} in ${formatCounted(frames, 'frame')}, the first at ${zone.text(since)}`;

function peerText(
  { kind, name, service, address, protocol, role, port, share }: TopPeer,
  way: string,
): string {
  const named = service === '' ? printable(name, NAME_LIMIT) : `service ${printable(service, NAME_LIMIT)}`;
  const who = (name === ROOT_CGROUP ? WHO.host : named) || WHO[kind] || printable(address, 45);
  const where = port === 0 ? 'several ports' : `${protocol} ${port}`;
  return `${shareText(share)} of the bytes ${way} ${who} ${role === 'client' ? `on ${where}` : `at its own ${where}`}`;
}

/** `92%`; all is said of all only. */
const shareText = (share: number): string =>
  share < 1 && share > 0.99 ? 'more than 99%' : `${Math.round(100 * share)}%`;

/** Peers without a name; of the others the address says more. */
const WHO: Partial<Record<TopPeer['kind'], string>> = {
  host: 'the host itself',
  unknown: 'peers that nobody saw',
  other: 'many peers',
};

/** Null: nobody has watched for long enough to say so. */
function recurrenceText(
  { times, inWeek, last, since }: Recurrence,
  first: number,
  zone: TimeZone,
): string | null {
  const watched = formatLength(wholeDays(first - since));
  if (last === null) return since < first ? `first time in ${watched}` : null;
  // Whoever has watched for six minutes knows nothing of seven days.
  const span = inWeek > 0 && first - since >= WEEK_MS ? '7d' : watched;
  return `${ordinal((inWeek || times) + 1)} time in ${span}, last ${dayText(last, zone)}`;
}

/** From a day on hours are noise. */
const wholeDays = (ms: number): number => (ms < DAY_MS ? ms : Math.floor(ms / DAY_MS) * DAY_MS);

/** `Tue 2026-01-13 03:10Z`. */
function dayText(epochMs: number, zone: TimeZone): string {
  const text = zone.seconds(epochMs);
  const day = text.slice(0, 10);
  const weekday = DAYS[new Date(`${day}T00:00:00Z`).getUTCDay()] ?? '';
  return `${weekday} ${day} ${text.slice(11, 16)}${text.slice(19)}`;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const ORDINALS = [
  'first',
  'second',
  'third',
  'fourth',
  'fifth',
  'sixth',
  'seventh',
  'eighth',
  'ninth',
  'tenth',
] as const;

const ordinal = (n: number): string => ORDINALS[n - 1] ?? `${n}th`;
