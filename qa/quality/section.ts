import type { Kind } from './simulator/fleet.ts';
import type { Magnitudes } from './simulator/incidents.ts';

/** What a quality run is asked for. */
export interface Settings {
  /** Days that each container is simulated for. */
  readonly days: number;
  /** One fleet each. */
  readonly seeds: readonly number[];
  /** Containers of these kinds only; null: all. */
  readonly kinds: readonly Kind[] | null;
  /** How large the simulated incidents are; null: as simulated by default. */
  readonly sizes: Magnitudes | null;
  /** File that each false alert and each incident is written to, an NDJSON line each; null: none. */
  readonly list: string | null;
  /** Folder of the public series, or null: they are left out. */
  readonly series: string | null;
  /** A shorter run: fewer days if none are given, and some kinds or other sizes are not compared with anything. */
  readonly quick: boolean;
}

/** A part of docs/quality.md: what it measures it writes as Markdown, from a heading of the second level on. */
export interface Section {
  readonly name: string;
  run(settings: Settings, progress: (line: string) => void): Promise<string>;
}

/** A Markdown table. */
export function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line), ''].join('\n');
}
