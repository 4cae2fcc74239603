/** Terminal text on standard input to an SVG picture on standard output: `tmux capture-pane -p | node scripts/picture.ts`. */
import { readFileSync } from 'node:fs';

const CELL = { width: 8.4, height: 18, margin: 16 };

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const lines = readFileSync(0, 'utf8').trimEnd().split('\n');
const columns = Math.max(...lines.map(line => [...line].length));
const width = Math.ceil(columns * CELL.width + 2 * CELL.margin);
const height = lines.length * CELL.height + 2 * CELL.margin;

const colour = (line: string) =>
  line.startsWith('!') || line.startsWith('CRITICAL')
    ? '#ff7b72'
    : line.startsWith('CONTAINER')
      ? '#79c0ff'
      : '#c9d1d9';

const rows = lines.map((line, i) => {
  const y = CELL.margin + (i + 0.75) * CELL.height;
  return `<text x="${CELL.margin}" y="${y}" fill="${colour(line)}" xml:space="preserve">${escaped(line)}</text>`;
});

process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title>tidegauge in a terminal</title>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14">
${rows.join('\n')}
</g>
</svg>
`);
