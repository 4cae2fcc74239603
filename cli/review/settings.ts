import { basename } from 'node:path';
import { parse, stringify } from 'yaml';
import { DETECTOR_ROWS, SCHEMA } from '../../app/wire.ts';
import { closest } from '../../core/config/closest.ts';
import type { Config } from '../../core/config/config.ts';
import { printable, UsageError } from '../../core/errors.ts';
import { describeConfigError } from '../config/errors.ts';
import { schemaKeys } from '../config/schema-keys.ts';
import { entry, typesOf, written } from '../config/written.ts';
import { load } from '../context.ts';

/** Settings that history is judged by: of a configuration only what decides about incidents. */
export interface Settings {
  readonly name: string;
  readonly config: Pick<Config, 'detectors' | 'alert'>;
}

/** Settings of configuration files, to be compared: named as the files are, by their paths where names are not enough. */
export function settingsOfFiles(files: readonly string[]): Settings[] {
  if (files.length < 2)
    throw new UsageError({
      place: '--compare',
      expected: 'two or more configuration files',
      found: files.map(file => printable(file)).join(' '),
      remedy: 'Name the files to compare: --compare A.yaml B.yaml.',
    });
  const names = files.map(file => basename(file));
  const isClear = new Set(names).size === names.length;
  return files.map((file, i) => ({
    name: isClear ? (names[i] ?? file) : file,
    config: load({ config: file }).config,
  }));
}

/** The part of a configuration that decides about incidents, as a file would hold it. */
export const settingsText = ({ config }: Settings): string => stringify(asWritten(config));

function asWritten({ detectors, alert }: Settings['config']) {
  return {
    detectors: detectors.map((rule, i) => entry(rule, ['detectors', i], DETECTOR_ROWS)),
    alert: (written({ alert }, [], typesOf(SCHEMA)) as { alert: Record<string, unknown> }).alert,
  };
}

/** A change of one option: `RULE.OPTION=VALUE` or `alert.OPTION=VALUE`. */
interface Assignment {
  readonly text: string;
  /** Where it is in the configuration. */
  readonly path: readonly PropertyKey[];
  readonly value: unknown;
}

/**
 * The configuration with options set: `bytes.above=50MiB/s`, `traffic.match.container=web-*`, `alert.resolve_after=5m`.
 * Values are as in the file. Throws a UsageError that says what is wrong with which.
 */
export function withOptions(config: Config, texts: readonly string[]): Settings {
  const raw = structuredClone(asWritten(config));
  const names = config.detectors.map(({ name }) => name);
  const assignments = texts.map(text => assignmentOf(text, names));
  for (const { path, value } of assignments) setAt(raw, path, value);
  const parsed = SCHEMA.safeParse(raw);
  if (parsed.success) {
    const { detectors, alert } = parsed.data;
    return { name: texts.join(' '), config: { detectors, alert } };
  }
  const locate = (path: readonly PropertyKey[]): string => {
    const known = assignments.find(one =>
      path.every((key, i) => i >= one.path.length || one.path[i] === key),
    );
    return `--set ${printable((known ?? assignments[0])?.text ?? '')}`;
  };
  const lines = parsed.error.issues.flatMap(issue =>
    describeConfigError(issue, { raw, keys: schemaKeys(SCHEMA), locate }),
  );
  throw new UsageError({
    place: '',
    found: lines.join('; '),
    remedy: 'Correct the flag; docs/detectors.md lists the options of each detector.',
  });
}

function assignmentOf(text: string, rules: readonly string[]): Assignment {
  const [, group = '', option = '', value = ''] = /^([^=.]+)\.([a-z][^=]*)=(.*)$/s.exec(text) ?? [];
  const rule = rules.indexOf(group);
  if (rule < 0 && group !== 'alert') throw notAnAssignment(text, group, rules);
  const path = [...(rule < 0 ? ['alert'] : ['detectors', rule]), ...option.split('.')];
  return { text, path, value: yamlValue(value) };
}

/** A value as in the file. Patterns such as `*-db` are no YAML without quotes, and meant as they are. */
function yamlValue(text: string): unknown {
  try {
    return parse(text, { prettyErrors: false, logLevel: 'error' });
  } catch {
    return text;
  }
}

function setAt(target: object, [key = '', ...rest]: readonly PropertyKey[], value: unknown): void {
  if (rest.length === 0) {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
    return;
  }
  const child: unknown = Object.hasOwn(target, key) ? Reflect.get(target, key) : undefined;
  const group = typeof child === 'object' && child !== null ? child : {};
  setAt(target, [key], group);
  setAt(group, rest, value);
}

function notAnAssignment(text: string, group: string, rules: readonly string[]): UsageError {
  const meant = closest(group, rules);
  return new UsageError({
    place: '--set',
    expected: 'RULE.OPTION=VALUE, such as traffic.sensitivity=1/month',
    found: printable(text) || 'nothing',
    remedy:
      meant === null
        ? `The rules here are ${rules.map(rule => printable(rule, 40)).join(', ') || 'none'}.`
        : `Did you mean ${printable(meant, 40)}?`,
  });
}
