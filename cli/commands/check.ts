import { stringify } from 'yaml';
import type { z } from 'zod';
import { DETECTOR_ROWS, NOTIFIER_ROWS, SCHEMA } from '../../app/wire.ts';
import { findUser } from '../../collector/privsep/user.ts';
import { exactSize, formatCounted, formatDuration } from '../../core/config/units.ts';
import { printable } from '../../core/errors.ts';
import { addCommand, type Register, setAction } from '../command.ts';
import { type Path, redact } from '../config/redact.ts';
import { schemaKeys } from '../config/schema-keys.ts';
import type { Context } from '../context.ts';
import { rulesInStore } from '../rules-in-store.ts';

export const registerCheck: Register = (program, signal) =>
  setAction(
    addCommand(
      program,
      'check',
      'check the configuration and print what is in force, without starting anything',
    ),
    signal,
    check,
  );

/** The configuration was accepted, or we would not be here: prints what is in force, as a file would hold it. */
async function check({ config, file, unusedSettings, log, out }: Context): Promise<number> {
  if (config.collector.user !== '') findUser(config.collector.user);
  const { detectors, receivers, ...groups } = config;
  const all = {
    ...(written(groups, [], typesOf(SCHEMA)) as object),
    detectors: detectors.map((rule, i) => entry(rule, ['detectors', i], DETECTOR_ROWS)),
    receivers: receivers.map((receiver, i) => entry(receiver, ['receivers', i], NOTIFIER_ROWS)),
  };
  out.write(`# ${file ?? 'no tidegauge.yaml, defaults'}: ok\n`);
  const counts = `${formatCounted(detectors.length, 'rule')}, ${formatCounted(receivers.length, 'receiver')}`;
  out.write(`# ${counts}; *** stands for what is not shown\n`);
  for (const line of [...unusedSettings, ...(await rulesInStore(config, log))])
    out.write(`# warning: ${printable(line, 500)}\n`);
  out.write(stringify(all));
  return 0;
}

interface Kind {
  readonly name: string;
  readonly options: z.ZodType;
}

/** A rule or receiver with its options beside its name, where the file has them. */
function entry(
  { options, ...base }: { readonly use: string; readonly options: unknown },
  path: Path,
  kinds: readonly Kind[],
): unknown {
  const schema = kinds.find(kind => kind.name === base.use)?.options;
  const types = schema ? typesOf(schema, path) : new Map<string, string>();
  return { ...base, ...(written(options, path, types) as object) };
}

/** What kind of text each key takes, by its path. */
const typesOf = (schema: z.ZodType, above: Path = []): ReadonlyMap<string, string> =>
  new Map(schemaKeys(schema).map(key => [[...above, ...key.path].join('.'), key.type]));

/** A value as the user would write it: with its unit, without secrets. */
function written(value: unknown, path: Path, types: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'number') return withUnit(value, types.get(path.join('.')));
  if (typeof value === 'string') return value === '' ? '' : (redact(path, value) ?? '***');
  if (Array.isArray(value)) {
    // One text in the file, separated by commas.
    if (types.get(path.join('.')) === 'groups') return value.join(', ');
    return value.map((item, i) => written(item, [...path, i], types));
  }
  if (value === null || typeof value !== 'object') return value;
  return (
    text(value) ??
    Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, written(child, [...path, key], types)]),
    )
  );
}

function withUnit(value: number, type: string | undefined): number | string {
  if (type === 'duration') return formatDuration(value);
  return type === 'size' ? exactSize(value) : value;
}

/** Values that are one text in the file: rates and sizes, factors, addresses. */
function text(value: object): string | null {
  if ('factor' in value) return `${value.factor}x`;
  if ('value' in value && 'unit' in value) return `${value.value}${value.unit}`;
  if (!('host' in value && 'port' in value)) return null;
  const host = String(value.host);
  return `${host.includes(':') ? `[${host}]` : host}:${value.port}`;
}
