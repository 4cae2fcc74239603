import type { Writable } from 'node:stream';
import { isoTime } from '../core/clock.ts';
import type { Frame } from '../core/frame.ts';
import type { Incident } from '../core/incident.ts';
import { incidentLines } from '../review/report.ts';
import { frameLines, frameTable } from './table.ts';

/** Where the picture goes: a terminal is redrawn, anything else gets lines. */
export interface Screen extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

const CLEAR = '\u001b[H\u001b[2J';
/** Incidents kept on the screen. */
const INCIDENTS_SHOWN = 5;

/** Shows frames, status and incidents as they come. */
export class Live {
  readonly #screen: Screen;
  readonly #quiet: boolean;
  readonly #open = new Map<string, Incident>();
  #recent: Incident[] = [];
  #header: readonly string[] = [];

  /** `quiet`: only incidents, no traffic. */
  constructor(screen: Screen, quiet: boolean) {
    this.#screen = screen;
    this.#quiet = quiet;
  }

  /** More lines that stay on top: hook, containers, where the data is. */
  header(lines: readonly string[]): void {
    this.#header = [...this.#header, ...lines];
    this.#print(lines);
  }

  frame(frame: Frame, status: string): void {
    if (this.#quiet) return;
    if (this.#screen.isTTY) this.#draw(frame, status);
    else this.#print([...frameLines(frame, isoTime(frame.start)), ...troubleLine(frame, status)]);
  }

  /** A new or changed incident: the terminal shows it with the next frame, a pipe when it opens and when it ends. */
  incident(incident: Incident): void {
    const isNew = !this.#recent.some(known => known.id === incident.id);
    this.#recent = [incident, ...this.#recent.filter(known => known.id !== incident.id)].slice(
      0,
      INCIDENTS_SHOWN,
    );
    if (incident.resolvedAt === null) this.#open.set(incident.id, incident);
    else this.#open.delete(incident.id);
    if (!this.#screen.isTTY && (isNew || incident.resolvedAt !== null)) this.#print(incidentLines(incident));
  }

  #draw(frame: Frame, status: string): void {
    const { columns: width = 80, rows: height = 24 } = this.#screen;
    const incidents = this.#recent.flatMap(incident => [
      '',
      ...incidentLines(incident).map(line => cut(line, width)),
    ]);
    const room = Math.max(4, height - this.#header.length - incidents.length - 4);
    const anomalous = new Set([...this.#open.values()].map(incident => incident.container));
    const table = frameTable(frame, { width, height: room, anomalous });
    const summary = `${isoTime(frame.start)}  ${status}${frame.faults.length > 0 ? `  INCOMPLETE: ${frame.faults.join(', ')}` : ''}`;
    this.#screen.write(CLEAR);
    this.#print([...this.#header, '', cut(summary, width), ...table, ...incidents]);
  }

  #print(lines: readonly string[]): void {
    if (lines.length > 0) this.#screen.write(`${lines.join('\n')}\n`);
  }
}

const cut = (line: string, width: number): string =>
  line.length > width ? `${line.slice(0, width - 1)}…` : line;

/** What a pipe gets besides traffic: nothing while all is well. */
function troubleLine(frame: Frame, status: string): string[] {
  const faults =
    frame.faults.length > 0 ? [`incomplete: ${frame.faults.join(', ')}, ${frame.lost} events lost`] : [];
  const parts = [...faults, ...(status.includes('!') ? [status] : [])];
  return parts.length > 0 ? [`${isoTime(frame.start)} ${parts.join('; ')}`] : [];
}
