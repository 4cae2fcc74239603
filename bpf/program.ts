import { readFileSync } from 'node:fs';
import { DIRECTIONS, type Direction } from '../core/traffic/frame.ts';
import { type MapMeaning, type MapSet, type ProbeParameters, SETS } from './contract.ts';
import { HOOKS, isAtLeast, SUPPLEMENTS } from './hooks.ts';
import { adapt } from './quirks.ts';
import { fill } from './template.ts';

/** What a probe fills into the shared program.bt. */
export interface ProgramTemplate {
  readonly name: string;
  /**
   * Statements that record one message of $size, with the words DIRECTION and SET in names of maps; run with $size
   * (and whatever `prepare` left) in place.
   */
  readonly record: string;
  /** Statements before `record`, which need neither word. */
  readonly prepare?: string;
  /** Statements after `prepare`, for sent messages only. */
  readonly prepareSend?: string;
  /** Probes of its own, before those of the hook. */
  readonly probes?: string;
  readonly maps: ReadonlyMap<string, MapMeaning>;
  /** Numbers for the words of `record` and `prepare`. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Longest time between readouts, ms; a longer interval is read out in parts. */
  readonly partMs: number;
}

/** Maps of the shared text and of the hooks. */
export const INTERNAL: readonly string[] = [
  '@set',
  '@reading',
  '@part',
  ...new Set([...HOOKS, ...SUPPLEMENTS].flatMap(({ internal }) => internal)),
];

/**
 * Map with the number of all messages of a set, for `account: exact`. A count() without a key is an array of one number
 * for each processor in every bpftrace: nearly free, never full, and without a second writer.
 */
export const eventsMap = (set: MapSet): string => `@events_${set}`;

/** The set that such a map belongs to; undefined for any other map. */
export const eventsSet = (map: string): MapSet | undefined => SETS.find(set => eventsMap(set) === map);

/** The text of a file in this folder. */
export const textOf = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8');

/** The same without its leading comment, for what is inserted into another text. */
export const statementsOf = (file: string): string => textOf(file).replace(/^\/\*.*?\*\/\s*/s, '');

/**
 * The program of a probe. Its text comes from the files of this folder alone; parameters are numbers and names of
 * enumerations. Throws a RangeError for a parameter that is no non-negative integer.
 */
export function renderProgram(template: ProgramTemplate, parameters: ProbeParameters): string {
  const { intervalMs, mapKeys, account, bpftrace } = parameters;
  const count = Math.max(1, Math.ceil(intervalMs / template.partMs));
  const text = textOf('program.bt')
    .replace('HOOK\n', () => (template.probes ?? '') + hookText(parameters))
    .replaceAll('RECORD_SEND', () => recordOf(template, 'send', account))
    .replaceAll('RECORD_RECEIVE', () => recordOf(template, 'receive', account))
    .replaceAll('READ_A', () => readoutOf(template, 'a', account))
    .replaceAll('READ_B', () => readoutOf(template, 'b', account))
    .replaceAll('PROBE', () => template.name);
  const numbers = {
    ...template.numbers,
    INTERVAL_MS: intervalMs,
    PARTS: count,
    PART_MS: Math.round(intervalMs / count),
    MAP_KEYS: mapKeys,
  };
  return adapt(fill(text, numbers), bpftrace);
}

/** Before Linux 5.19 the receive functions had one argument more in front of the flags. */
const FLAGS_MOVED = [5, 19] as const;
/** Linux 6.5 made sendfile() use the common path. */
const SENDPAGE_GONE = [6, 5] as const;

/** The oldest bpftrace that raw tracepoints are proven with; 0.17 has none. */
const RAW_TRACEPOINTS = [0, 23] as const;

function hookText({ hook, supplements, kernel, bpftrace }: ProbeParameters): string {
  const raw = hook === 'tracepoint' && bpftrace !== null && isAtLeast(bpftrace, RAW_TRACEPOINTS);
  const text = textOf(`hooks/${raw ? 'rawtracepoint' : hook}.bt`).replaceAll(
    '(FLAGS',
    isAtLeast(kernel, FLAGS_MOVED) ? '(arg3' : '(arg4',
  );
  const beside: string[] = [...supplements];
  if (hook !== 'tracepoint' && !isAtLeast(kernel, SENDPAGE_GONE)) beside.push(`sendpage-${hook}`);
  return [text, ...beside.map(name => textOf(`hooks/${name}.bt`))].join('\n');
}

function recordOf(
  { record, prepare = '', prepareSend = '' }: ProgramTemplate,
  direction: Direction,
  account: ProbeParameters['account'],
): string {
  const of = (set: MapSet): string =>
    record.replaceAll('@DIRECTION', `@${direction}`).replaceAll('_SET', `_${set}`) +
    (account === 'exact' ? `${eventsMap(set)} = count();` : '');
  const before = direction === 'send' ? prepare + prepareSend : prepare;
  return `${before}if (@set == 0) {\n${of('a')}\n} else {\n${of('b')}\n}`;
}

function readoutOf({ maps }: ProgramTemplate, set: MapSet, account: ProbeParameters['account']): string {
  const names = [...maps].filter(([, meaning]) => meaning.set === set).map(([name]) => name);
  if (account === 'exact') names.push(eventsMap(set));
  return [...names.map(name => `print(${name});`), ...names.map(name => `clear(${name});`)].join(' ');
}

/** Maps of a probe that has one of each kind for each set and direction; `names` without `@DIRECTION_` and `_SET`. */
export function mapsOf(
  kinds: readonly (readonly [infix: string, holds: MapMeaning['holds']])[],
): ReadonlyMap<string, MapMeaning> {
  return new Map(
    SETS.flatMap(set =>
      DIRECTIONS.flatMap(direction =>
        kinds.map(([infix, holds]) => [`@${direction}_${infix}${set}`, { holds, set, direction }] as const),
      ),
    ),
  );
}
