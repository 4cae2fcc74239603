/** Epoch seconds beyond this would be in the year 5138: such numbers are milliseconds. */
const LARGEST_SECONDS = 1e11;
/** Ends of time as JavaScript counts it. */
const LATEST_MS = 8.64e15;

const DATE =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s?(Z|UTC|[+-]\d\d(?::?\d\d)?)?)?$/i;

/**
 * Epoch ms of a time as files write it: epoch seconds or milliseconds, `YYYY-MM-DD`, `YYYY-MM-DD HH:MM:SS`, or ISO 8601;
 * without a zone it is UTC. Null when it is none, or no day of the calendar.
 */
export function parseStamp(text: string): number | null {
  if (/^-?\d+(\.\d+)?$/.test(text)) return epochOf(Number(text));
  const parts = DATE.exec(text);
  return parts ? dateOf(parts) : null;
}

function epochOf(number: number): number | null {
  const ms = Math.abs(number) < LARGEST_SECONDS ? number * 1000 : number;
  return Math.abs(ms) <= LATEST_MS ? Math.round(ms) : null;
}

function dateOf(parts: RegExpExecArray): number | null {
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(part => Number(part ?? 0)) as [
    ...[number, number, number],
    ...[number, number, number],
  ];
  const date = new Date(Date.UTC(year, month - 1, day));
  date.setUTCFullYear(year);
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!exists || hour > 24 || minute > 59 || second > 60) return null;
  const fraction = Math.round(Number(`0.${parts[7] ?? 0}`) * 1000);
  const offset = offsetOf(parts[8] ?? 'Z');
  return date.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1000 + fraction;
}

/** Minutes east of UTC. */
function offsetOf(zone: string): number {
  const parts = /^([+-])(\d\d):?(\d\d)?$/.exec(zone);
  if (!parts) return 0;
  const minutes = Number(parts[2]) * 60 + Number(parts[3] ?? 0);
  return parts[1] === '-' ? -minutes : minutes;
}
