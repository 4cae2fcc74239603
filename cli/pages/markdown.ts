/** A table of Markdown as the formatter lays it out: columns as wide as their longest cell. */
export function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map(row => row.map(cell => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, i) => Math.max(3, ...cells.map(row => row[i]?.length ?? 0)));
  const [title = [], ...rest] = cells.map(row => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)));
  const rule = widths.map(width => '-'.repeat(width));
  return [title, rule, ...rest].map(row => `| ${row.join(' | ')} |\n`).join('');
}
