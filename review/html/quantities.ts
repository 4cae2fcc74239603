import { formatDuration } from '../../core/config/units.ts';
import type { Direction } from '../../core/traffic/frame.ts';
import type { Band, IncidentRecord, Limit, TrafficPart } from '../record/incident-record.ts';

/** A number of a container's traffic that is drawn over time. */
export interface Quantity {
  readonly unit: 'B/s' | 'msg/s';
  /** Null: both together. */
  readonly direction: Direction | null;
}

/** What is drawn of a quantity. */
export interface Panel extends Quantity {
  /** `bytes sent`. */
  readonly name: string;
  readonly band: ChosenBand | null;
}

/** What a rule expected, over stretches of time. */
export interface ChosenBand {
  /** `expected by traffic, judged over 1m`. */
  readonly text: string;
  readonly allowed: readonly {
    readonly from: number;
    readonly to: number;
    readonly low: number | null;
    readonly high: number | null;
  }[];
}

/** Charts of one incident at most. */
const PANELS = 4;

/** What to draw of an incident: what its findings are about first, then bytes in both directions. */
export function panelsOf(record: IncidentRecord): Panel[] {
  const found = record.incident.findings.map(({ scope, evidence }) => ({
    unit: evidence.unit,
    direction: scope.direction ?? evidence.direction ?? null,
  }));
  const quantities: Quantity[] = [];
  for (const { unit, direction } of [...found, ...ALWAYS]) {
    if (unit !== 'B/s' && unit !== 'msg/s') continue;
    if (!quantities.some(one => one.unit === unit && one.direction === direction))
      quantities.push({ unit, direction });
  }
  return quantities
    .slice(0, PANELS)
    .map(quantity => ({ ...quantity, name: nameOf(quantity), band: bandOf(record, quantity) }));
}

const ALWAYS: readonly Quantity[] = [
  { unit: 'B/s', direction: 'send' },
  { unit: 'B/s', direction: 'receive' },
];

function nameOf({ unit, direction }: Quantity): string {
  const what = unit === 'B/s' ? 'bytes' : 'messages';
  if (direction === null) return `${what} sent and received`;
  return `${what} ${direction === 'send' ? 'sent' : 'received'}`;
}

/** Value of a quantity in a part; null: nothing is known. */
export function valueIn({ unit, direction }: Quantity, part: TrafficPart): number | null {
  if (part.watchedMs === 0) return null;
  const total = (one: Direction): number => (unit === 'B/s' ? part[one].bytes : part[one].messages);
  const sum = direction === null ? total('send') + total('receive') : total(direction);
  return (1000 * sum) / part.watchedMs;
}

/** What the rule with the highest score expected of a quantity, else the one that said it most often. */
function bandOf({ incident, bands }: IncidentRecord, quantity: Quantity): ChosenBand | null {
  const fits = (one: Quantity | Band) => one.unit === quantity.unit && one.direction === quantity.direction;
  const finding = incident.findings.find(({ scope, evidence }) =>
    fits({ ...evidence, direction: scope.direction ?? evidence.direction ?? null } as Quantity),
  );
  const own = bands.filter(fits).sort((a, b) => b.limits.length - a.limits.length);
  const overMs = finding?.evidence.overMs ?? null;
  const band =
    own.find(one => one.rule === finding?.rule && one.overMs === overMs) ?? (finding ? null : own[0]);
  const limits = band?.limits ?? [];
  const [first] = limits;
  if (!finding)
    return band && first ? { text: bandText(band.rule, band.overMs), allowed: limits.map(allowedOf) } : null;
  const { rule, evidence } = finding;
  if (evidence.low === null && evidence.high === null) return null;
  // Not every rule says in every frame what it expects: where it has not, it is taken for what it was at the peak.
  const untold = { from: incident.start, to: first?.start ?? incident.end };
  const peak = { ...untold, low: evidence.low, high: evidence.high };
  const allowed = limits.map(allowedOf);
  return {
    text: bandText(rule, overMs),
    allowed: untold.to > untold.from ? [peak, ...allowed] : allowed,
  };
}

const allowedOf = ({ start, end, low, high }: Limit): ChosenBand['allowed'][number] => ({
  from: start,
  to: end,
  low,
  high,
});

const bandText = (rule: string, overMs: number | null): string =>
  `expected by ${rule}${overMs === null ? '' : `, judged over ${formatDuration(overMs)}`}`;
