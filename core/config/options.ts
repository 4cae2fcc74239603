import { isIP } from 'node:net';
import { z } from 'zod';
import { printable } from '../errors.ts';
import { type AddressKind, parseAddress, parseHostPort } from './address.ts';
import { formatDuration, formatSize, parseDuration, parseFrequency, parseRate, parseSize } from './units.ts';

/** Building blocks of option schemas: texts with units outside, numbers inside. */

/** A duration such as `5s`; milliseconds inside. Bounds are texts with units too. */
export function duration(bounds: { min?: string; max?: string } = {}) {
  return bounded(
    'duration',
    parseDuration,
    formatDuration,
    'a duration with a unit, such as 5s, 200ms or 1h30m',
    bounds,
  );
}

/** A size such as `64KiB`; bytes inside. */
export function size(bounds: { min?: string; max?: string } = {}) {
  return bounded('size', parseSize, formatSize, 'a size with a unit, such as 64KiB, 1.5MB or 200B', bounds);
}

/** `unit` reaches the reference documentation through the JSON schema. */
function bounded(
  unit: string,
  parse: (text: string) => number | null,
  format: (value: number) => string,
  what: string,
  bounds: { min?: string; max?: string },
) {
  const min = bounds.min === undefined ? 0 : (parse(bounds.min) ?? 0);
  const max = bounds.max === undefined ? Number.POSITIVE_INFINITY : (parse(bounds.max) ?? 0);
  return z
    .string({ error: what })
    .meta({ unit })
    .transform((text, context) => {
      const value = parse(text);
      if (value === null) {
        context.addIssue({ code: 'custom', message: what });
        return z.NEVER;
      }
      if (value < min || value > max) {
        const limits = [bounds.min && `at least ${format(min)}`, bounds.max && `at most ${format(max)}`];
        context.addIssue({ code: 'custom', message: limits.filter(Boolean).join(' and ') });
        return z.NEVER;
      }
      return value;
    });
}

/** A rate such as `1MiB/s` or `500msg/s`; value per second and unit inside. */
export function rate() {
  const what = 'a rate with a unit, such as 1MiB/s or 500msg/s';
  return z
    .string({ error: what })
    .meta({ unit: 'rate' })
    .transform((text, context) => {
      const value = parseRate(text);
      if (value !== null) return value;
      context.addIssue({ code: 'custom', message: what });
      return z.NEVER;
    });
}

/** How often, such as `1/s` or `30/m`; milliseconds from one to the next inside. */
export function frequency() {
  const what = 'how many in a unit of time, such as 1/s, 30/m or 100/h';
  return z
    .string({ error: what })
    .meta({ unit: 'frequency' })
    .transform((text, context) => {
      const spacing = parseFrequency(text);
      if (spacing !== null) return spacing;
      context.addIssue({ code: 'custom', message: what });
      return z.NEVER;
    });
}

/** An address, as text; refused with what is wrong, and without its secrets. `optional`: it may be empty. */
export const address = (kind: AddressKind, { optional = false } = {}) =>
  z.string().superRefine((text, context) => {
    if (optional && text === '') return;
    const parsed = parseAddress(text, kind);
    if (parsed instanceof URL) return;
    const params = { found: parsed.isShown ? undefined : 'a value that is not shown' };
    context.addIssue({ code: 'custom', message: parsed.expected, params });
  });

/** Most addresses of one list. */
const MOST_ADDRESSES = 100;

/** A list of addresses. */
export const addresses = (kind: AddressKind) =>
  z.array(address(kind)).max(MOST_ADDRESSES).meta({ unit: 'list of addresses' });

/** Where to listen: `auto` (the command's own default), `off`, or an address with a port. */
export type Listen = 'auto' | 'off' | { readonly host: string; readonly port: number };

/** `auto`, `off`, `127.0.0.1:8433`, `[::1]:8433`, `metrics.internal:8433`. */
export function listen() {
  const what = 'auto, off, or an address with a port, such as 127.0.0.1:8433 or [::1]:8433';
  return z
    .string({ error: what })
    .meta({ unit: 'address' })
    .transform((text, context): Listen => {
      if (text === 'auto' || text === 'off') return text;
      const parsed = parseHostPort(text);
      if (parsed !== null && parsed.port !== null) return { host: parsed.host, port: parsed.port };
      // It may have been meant for another setting.
      const params = { found: text.includes('@') ? 'a value that is not shown' : undefined };
      context.addIssue({ code: 'custom', message: what, params });
      return z.NEVER;
    });
}

/** Ranges of addresses, such as `10.96.0.0/12` and `fd00:96::/112`. */
export function addressRanges() {
  const range = z.string().refine(isRange, 'a range of addresses, such as 10.96.0.0/12 or fd00:96::/112');
  return z.array(range).meta({ unit: 'list of ranges' });
}

function isRange(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits;
}

/** An account of the machine, by name; empty: none. */
export const account = () =>
  z
    .string()
    .regex(/^(?![-\d])[\w.@\\-]{0,64}\$?$/, 'the name of an account')
    .meta({ unit: 'user name' });

/** Groups of the machine by name or number, as a list or separated by commas: `docker, 998`; a list inside. */
export function groups() {
  const what = 'groups by name or number, such as docker, 998 or [docker, 998]';
  const names = z.string({ error: what }).transform((text, context): readonly (string | number)[] => {
    if (text.trim() === '') return [];
    const all = text.split(',').map(name => name.trim());
    const wrong = all.find(name => !/^(\d{1,9}|[A-Za-z_][\w.@\\-]{0,63})$/.test(name));
    if (wrong === undefined) return all.map(name => (/^\d/.test(name) ? Number(name) : name));
    const found = printable(JSON.stringify(wrong), 80);
    context.addIssue({ code: 'custom', message: what, params: { found } });
    return z.NEVER;
  });
  // YAML makes a list of [docker, 998] and a number of 998.
  const asText = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(String).join(',');
    return typeof value === 'number' ? String(value) : value;
  };
  return z.preprocess(asText, names).meta({ unit: 'groups' });
}

/** A file or directory; no shell is asked what `~` is. */
export const path = () =>
  z.string().refine(text => !/^~/.test(text), 'a path that is written out, as `~` is known to shells only');

/** Names that become keys, field names and file names. */
export const identifier = () =>
  z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, 'a name of 1 to 40 of a-z 0-9 _ -, starting with a letter');

/**
 * A glob over a name: `*` any characters, `?` one. Everything else is literal. What stands between two `*` is looked for
 * once, where it comes first: as `.*` it would be tried everywhere, for minutes over a name that is made for that.
 */
export function globMatcher(glob: string): (text: string) => boolean {
  const [first = '', ...rest] = glob.split(/\*+/).map(part => {
    return part.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\?/g, '.');
  });
  const last = rest.pop();
  const between = rest.map((part, i) => `(?=(.*?${part}))\\${i + 1}`).join('');
  const pattern = new RegExp(`^${first}${last === undefined ? '' : `${between}.*${last}`}$`, 'su');
  return text => pattern.test(text);
}

/** How many alarms in how many frames it takes before a rule fires. */
export interface Confirmation {
  readonly alarms: number;
  readonly frames: number;
}

/** Most frames that are counted: what takes longer is for the detector. */
const CONFIRM_FRAMES = 60;

/** `2 of 3`. */
export const confirmation = () =>
  z.string().transform((text, context): Confirmation => {
    const [, alarms = 0, frames = 0] = (/^(\d{1,2}) of (\d{1,2})$/.exec(text) ?? []).map(Number);
    if (alarms >= 1 && alarms <= frames && frames <= CONFIRM_FRAMES) return { alarms, frames };
    context.addIssue({
      code: 'custom',
      message: `alarms and frames such as \`2 of 3\`, of up to ${CONFIRM_FRAMES} frames`,
    });
    return z.NEVER;
  });
