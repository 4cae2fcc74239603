import { type Entry, entryText } from './log.ts';

/** Warnings and errors kept for the screen, and everything else. */
const WARNINGS_KEPT = 4;
const OTHERS_KEPT = 3;

interface Line {
  readonly entry: Entry;
  readonly times: number;
}

/** The last log lines of a redrawn screen. Lines with the same message are one, with their number. */
export class RecentLog {
  #warnings: Line[] = [];
  #others: Line[] = [];

  add(entry: Entry): void {
    if (entry.level === 'warning' || entry.level === 'error')
      this.#warnings = withEntry(this.#warnings, entry, WARNINGS_KEPT);
    else this.#others = withEntry(this.#others, entry, OTHERS_KEPT);
  }

  /** Newest first. */
  get warnings(): string[] {
    return this.#warnings.map(lineText);
  }

  get others(): string[] {
    return this.#others.map(lineText);
  }
}

function withEntry(lines: readonly Line[], entry: Entry, limit: number): Line[] {
  const same = (line: Line) => line.entry.message === entry.message && line.entry.level === entry.level;
  const times = (lines.find(same)?.times ?? 0) + 1;
  return [{ entry, times }, ...lines.filter(line => !same(line))].slice(0, limit);
}

const lineText = ({ entry, times }: Line): string =>
  `${entryText(entry)}${times > 1 ? ` (${times} times)` : ''}`;
