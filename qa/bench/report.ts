import { cpus, release, totalmem, type } from 'node:os';
import { formatSize } from '../../core/config/units.ts';
import type { BenchTable } from './measure.ts';

/** Benchmarks as Markdown, and the parts of docs/benchmarks.md that they rewrite. */

/** What the numbers were measured on, in one line. */
export function machine(): string {
  const processors = cpus();
  return (
    `${processors[0]?.model.trim() ?? 'unknown processor'}, ${processors.length} cores, ` +
    `${formatSize(totalmem())}, ${type()} ${release()}, Node ${process.versions.node}`
  );
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

export function markdown(table: BenchTable): string {
  const rows = table.rows.map(({ name, value, ratio, spread }) => [name, value, ratio, spread].map(cell));
  const lines = rows.map(cells => `| ${cells.join(' | ')} |`);
  return [`**${table.title}**`, '', '| | median | ratio | spread |', '|---|---|---|---|', ...lines].join(
    '\n',
  );
}

/**
 * The document with the part between `<!-- bench: NAME -->` and `<!-- /bench -->` replaced. Throws when it has none:
 * a result must not be lost silently.
 */
export function rewrite(document: string, name: string, content: string): string {
  const begin = `<!-- bench: ${name} -->\n`;
  const end = '<!-- /bench -->';
  const from = document.indexOf(begin);
  const to = document.indexOf(end, from);
  if (from < 0 || to < 0)
    throw new Error(`docs/benchmarks.md: expected ${begin.trim()} and ${end}, found none`);
  return `${document.slice(0, from + begin.length)}\n${content}\n\n${document.slice(to)}`;
}
