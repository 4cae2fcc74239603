/** Durations, sizes and rates: numbers inside, texts with units outside. */

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const SIZE_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** Milliseconds of a text such as `5s`, `1h30m`, `200ms`; null when it is none. */
export function parseDuration(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) return null;
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
    total += Number(number) * (DURATION_MS[unit ?? ''] ?? Number.NaN);
  }
  return Number.isFinite(total) ? total : null;
}

/** Bytes of a text such as `64KiB`, `1.5MB`, `200B`; null when it is none. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)([KMGT]iB|[kMGT]B|B)$/.exec(text);
  if (!match) return null;
  return Number(match[1]) * (SIZE_BYTES[match[2] ?? ''] ?? Number.NaN);
}

/** Units per second of a text such as `1MiB/s` (bytes) or `500msg/s` (messages); null when it is none. */
export function parseRate(text: string): { value: number; unit: 'B/s' | 'msg/s' } | null {
  const messages = /^(\d+(?:\.\d+)?)msg\/s$/.exec(text);
  if (messages) return { value: Number(messages[1]), unit: 'msg/s' };
  const bytes = text.endsWith('/s') ? parseSize(text.slice(0, -2)) : null;
  return bytes === null ? null : { value: bytes, unit: 'B/s' };
}

/** Milliseconds from one to the next of a frequency such as `1/s`, `30/m`, `100/h`; null when it is none. */
export function parseFrequency(text: string): number | null {
  const [, number, unit = ''] = /^(\d{1,6})\/(s|m|h)$/.exec(text) ?? [];
  return Number(number) > 0 ? (DURATION_MS[unit] ?? Number.NaN) / Number(number) : null;
}

/** The text that `parseFrequency` reads, in the shortest unit in which it is a whole number. */
export function formatFrequency(ms: number): string {
  const isWhole = (unit: string) => Math.abs((DURATION_MS[unit] ?? 1) / ms - perUnit(unit, ms)) < 1e-6;
  const unit = ['s', 'm'].find(isWhole) ?? 'h';
  return `${perUnit(unit, ms)}/${unit}`;
}

const perUnit = (unit: string, ms: number): number => Math.round((DURATION_MS[unit] ?? 1) / ms);

/** `90d`, `1h30m`, `5s`, `200ms`, `0s`: an exact text, milliseconds rounded; without weeks. */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms);
  if (rest === 0) return '0s';
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = DURATION_MS[unit] ?? 1;
    const n = Math.floor(rest / size);
    if (n > 0) text += `${n}${unit}`;
    rest -= n * size;
  }
  return text;
}

/** A length of time for people, such as `10s`: milliseconds are noise to them, and so are tenths of a long one. */
export function formatLength(ms: number): string {
  const unit = ms < 1000 ? 1 : ms < 10_000 ? 100 : 1000;
  return formatDuration(Math.round(ms / unit) * unit);
}

/** `1GiB`, `1500B`: the shortest exact text in binary units, that `parseSize` reads. */
export function exactSize(bytes: number): string {
  const unit = ['TiB', 'GiB', 'MiB', 'KiB'].find(name => bytes > 0 && bytes % (SIZE_BYTES[name] ?? 1) === 0);
  return `${bytes / (SIZE_BYTES[unit ?? 'B'] ?? 1)}${unit ?? 'B'}`;
}

/** `0 B`, `1.2 KiB`, `3.4 MiB`: binary units, two digits after the point at most below 1, one below 100. */
export function formatSize(bytes: number): string {
  return scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']);
}

/** `1 connection`, `2 connections`, `1.2 k connections`. */
export const formatCounted = (n: number, noun: string): string =>
  `${formatCount(n)} ${noun}${n === 1 ? '' : 's'}`;

/** `950`, `1.2 k`, `3.4 M`: decimal thousands. */
export function formatCount(n: number): string {
  return scaled(n, 1000, ['', 'k', 'M', 'G', 'T']).trimEnd();
}

/** A value in its unit for people: `1.2 MiB/s`, `340 msg/s`, `1.4 KiB`. */
export function formatValue(value: number, unit: string): string {
  if (unit === 'B/s') return `${formatSize(value)}/s`;
  if (unit === 'B') return formatSize(value);
  return `${formatCount(value)} ${unit}`;
}

function scaled(value: number, base: number, units: readonly string[]): string {
  // Small whole numbers, as most counts are, need no rounding.
  if (Number.isInteger(value) && Math.abs(value) < 1000) return `${value} ${units[0]}`;
  let i = 0;
  let x = value;
  // 999.5 and above would round to a four-digit number.
  while (Math.abs(x) >= (base === 1024 ? 1023.5 : 999.5) && i < units.length - 1) {
    x /= base;
    i++;
  }
  // Below 1 a tenth is too coarse: half of 0.1 would read as 0.1. What is nothing but for rounding is 0.
  if (i === 0 && Math.abs(x) < 1) return `${Number(x.toFixed(2))} ${units[i]}`;
  const digits = Number.isInteger(x) || Math.abs(x) >= 99.5 ? 0 : 1;
  return `${x.toFixed(digits)} ${units[i]}`;
}
