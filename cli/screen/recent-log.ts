import { type Entry, entryText } from './log.ts';

/** Warnings and errors kept for the screen, and everything else. */
const WARNINGS_KEPT = 4;
const OTHERS_KEPT = 3;

interface Note {
  readonly entry: Entry;
  readonly times: number;
}

/** The last log lines of a redrawn screen. Lines with the same message are one, with their number. */
export class Notes {
  #warnings: Note[] = [];
  #others: Note[] = [];

  add(entry: Entry): void {
    if (entry.level === 'warning' || entry.level === 'error')
      this.#warnings = withEntry(this.#warnings, entry, WARNINGS_KEPT);
    else this.#others = withEntry(this.#others, entry, OTHERS_KEPT);
  }

  /** Newest first. */
  get warnings(): string[] {
    return this.#warnings.map(noteText);
  }

  get others(): string[] {
    return this.#others.map(noteText);
  }
}

function withEntry(notes: readonly Note[], entry: Entry, limit: number): Note[] {
  const same = (note: Note) => note.entry.message === entry.message && note.entry.level === entry.level;
  const times = (notes.find(same)?.times ?? 0) + 1;
  return [{ entry, times }, ...notes.filter(note => !same(note))].slice(0, limit);
}

const noteText = ({ entry, times }: Note): string =>
  `${entryText(entry)}${times > 1 ? ` (${times} times)` : ''}`;
