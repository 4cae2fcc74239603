import { stringify } from 'yaml';
import { formatDuration } from '../core/units.ts';
import type { Context } from './context.ts';

/** Values that are never printed. */
const SECRET = /token|password|secret/;

/** `tidegauge check`: the configuration was accepted, or we would not be here; print what is in force. */
export async function check({ config, file, out }: Context): Promise<number> {
  out.write(`${file ?? 'no tidegauge.yaml, defaults'}: ok\n`);
  out.write(`# durations in milliseconds, sizes in bytes\n${stringify(masked(config))}`);
  out.write(
    `# interval ${formatDuration(config.capture.interval)}, ${config.detectors.length} rules, ${config.receivers.length} receivers\n`,
  );
  return 0;
}

function masked(value: unknown, key = ''): unknown {
  if (SECRET.test(key) && typeof value === 'string') return value === '' ? '' : '(set, not shown)';
  if (Array.isArray(value)) return value.map(item => masked(item));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, masked(child, name)]));
}
