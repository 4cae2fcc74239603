import type { Writable } from 'node:stream';
import { CAPS } from '../../core/caps.ts';
import type { Clock } from '../../core/clock.ts';
import { formatDuration } from '../../core/config/units.ts';
import { type Incident, stateOfIncident } from '../../core/incident/incident.ts';
import { whosOf } from '../../core/incident/members.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import type { Fault, Frame } from '../../core/traffic/frame.ts';
import { incidentLines } from '../../review/report.ts';
import { layout } from './layout.ts';
import { type Entry, entryText } from './log.ts';
import { RecentLog } from './recent-log.ts';
import type { Status } from './status.ts';
import { frameLines, frameTable } from './table.ts';

/** Where the screen goes: a terminal is redrawn, anything else gets lines. */
export interface Screen extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface LiveOptions {
  readonly screen: Screen;
  readonly clock: Clock;
  readonly zone: TimeZone;
  /** Show frames; else only incidents. */
  readonly traffic: boolean;
  /** Whose traffic is shown; everybody's when not given. */
  readonly shows?: (container: string) => boolean;
}

const CLEAR = '\u001b[H\u001b[2J';
/** Incidents kept on the screen. */
const INCIDENTS_SHOWN = 5;
/** Silence is reported after two intervals, but not before this. */
const SILENCE_MS = 3000;

/** Why an interval does not hold all that happened; the fault's name, which the metrics have as well, stands behind. */
const FAULT_WORDS: Readonly<Record<Fault, string>> = {
  attach: 'capture began in this interval',
  detach: 'capture ended in this interval',
  'lost-events': 'bpftrace lost events',
  saturated: 'a map was full; raise capture.map_keys',
  'late-flip': 'bpftrace was held up',
  restart: 'bpftrace was restarted',
  garbage: 'output was not understood',
};

function faultsOf({ faults, lost }: Frame): string {
  const words = faults.map(fault => `${FAULT_WORDS[fault]} (${fault})`);
  return [...words, ...(lost > 0 ? [`${lost} events lost`] : [])].join(', ');
}

/** Shows frames, status, incidents and log lines as they come. */
export class Live {
  readonly #options: LiveOptions;
  /** One screen, drawn again with every frame. */
  readonly redraws: boolean;
  /** What is firing and was told, the last that changed at the end; bounded, as an end may be told by another process. */
  readonly #open = new Map<string, Incident>();
  readonly #recentLog = new RecentLog();
  #recent: Incident[] = [];
  #header: readonly string[] = [];
  #drawn: { frame: Frame; status: Status } | null = null;
  /** When the last frame came, of the monotonic clock, ms. */
  #lastFrame: number;
  #silenceTold = false;
  #reasonsTold = '';

  constructor(options: LiveOptions) {
    this.#options = options;
    this.redraws = options.screen.isTTY === true && options.traffic;
    this.#lastFrame = options.clock.monotonic();
  }

  /** More lines that stay on top: what does not change while this process runs. */
  header(lines: readonly string[]): void {
    this.#header = [...this.#header, ...lines];
    this.#print(lines);
  }

  /** A line for those who read a stream; a redrawn screen shows the same otherwise. */
  once(line: string): void {
    if (!this.redraws) this.#print([line]);
  }

  frame(frame: Frame, status: Status): void {
    const now = this.#options.clock.monotonic();
    if (this.#silenceTold && !this.redraws) this.#print([silenceOver(now - this.#lastFrame)]);
    this.#lastFrame = now;
    this.#silenceTold = false;
    if (!this.#options.traffic) return;
    const { shows = () => true } = this.#options;
    const containers = frame.containers.filter(({ name }) => shows(name));
    this.#drawn = { frame: { ...frame, containers }, status };
    if (this.redraws) this.#draw(null);
    else
      this.#print([
        ...frameLines(this.#drawn.frame, this.#options.zone.text(frame.start)),
        ...this.#trouble(frame, status),
      ]);
  }

  /** A new or changed incident: a redrawn screen shows it with the next frame, a stream when it opens, becomes worse, and ends. */
  incident(incident: Incident): void {
    const known = this.#open.get(incident.id);
    const isNews = known?.severity !== incident.severity || incident.resolvedAt !== null;
    this.#open.delete(incident.id);
    this.#recent = [incident, ...this.#recent.filter(known => known.id !== incident.id)].slice(
      0,
      INCIDENTS_SHOWN,
    );
    if (incident.resolvedAt === null) this.#open.set(incident.id, incident);
    const [oldest] = this.#open.keys();
    if (this.#open.size > CAPS.openIncidents.limit && oldest !== undefined) this.#open.delete(oldest);
    if (!this.redraws && isNews) this.#print(newsLines(incident, this.#options.zone));
  }

  /** A log line that stands above already, and is part of the screen from the first redraw on. */
  recall(entry: Entry): void {
    this.#recentLog.add(entry);
  }

  /** A log line while this has the screen. */
  log(entry: Entry): void {
    this.#recentLog.add(entry);
    if (!this.redraws || this.#drawn === null) this.#print([entryText(entry)]);
  }

  /** Say so when frames stay away, until the signal is aborted. */
  async watch(intervalMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const limitMs = Math.max(2 * intervalMs, SILENCE_MS);
    this.#lastFrame = clock.monotonic();
    while (!signal.aborted) {
      await clock.sleep(limitMs / 3, signal);
      const silentMs = clock.monotonic() - this.#lastFrame;
      if (!signal.aborted && silentMs >= limitMs) this.#silent(silentMs);
    }
  }

  /** The last words. */
  end(line: string): void {
    if (this.redraws && this.#drawn) this.#draw(null);
    this.#print([line]);
  }

  #silent(silentMs: number): void {
    const text = `! no frame for ${inSeconds(silentMs)}: bpftrace does not answer`;
    if (this.redraws && this.#drawn) this.#draw(text);
    else if (!this.#silenceTold) this.#print([text]);
    this.#silenceTold = true;
  }

  /** `silence` takes the place of the status of a frame that is no news any more. */
  #draw(silence: string | null): void {
    if (this.#drawn === null) return;
    const { frame, status } = this.#drawn;
    const { columns, rows } = this.#options.screen;
    const size = { width: columns || 80, height: rows || 24 };
    const anomalous = new Set(
      [...this.#open.values()].flatMap(incident => whosOf(incident).map(({ container }) => container)),
    );
    const faults = frame.faults.length > 0 ? [`INCOMPLETE: ${faultsOf(frame)}`] : [];
    const summary = [this.#options.zone.clock(frame.start), ...faults, silence ?? status.line].join('  ');
    const [newest = [], ...older] = this.#incidentBlocks(anomalous);
    const lines = layout(
      {
        header: this.#header,
        status: [summary],
        tableHeight: frame.containers.length + 1,
        table: height =>
          frameTable(frame, { width: size.width, height, anomalous, learning: status.learning }),
        blocks: [status.reasons, newest, this.#recentLog.warnings, ...older, this.#recentLog.others],
      },
      size,
    );
    this.#options.screen.write(CLEAR);
    this.#print(lines);
  }

  /** Newest first; above the first one what the mark in the table means. */
  #incidentBlocks(anomalous: ReadonlySet<string>): string[][] {
    return this.#recent.map((incident, i) => [
      i === 0 && anomalous.size > 0 ? '! open incident' : '',
      ...incidentLines(incident, this.#options.zone),
    ]);
  }

  /** What a stream gets besides traffic: nothing while all is well, reasons when they change. */
  #trouble(frame: Frame, status: Status): string[] {
    const faults = frame.faults.length > 0 ? [`incomplete: ${faultsOf(frame)}`] : [];
    const parts = [...faults, ...(status.trouble ? [status.line] : [])];
    const reasons = status.reasons.join('\n');
    const news = status.trouble && reasons !== this.#reasonsTold ? status.reasons : [];
    this.#reasonsTold = reasons;
    return [
      ...(parts.length > 0 ? [`${this.#options.zone.text(frame.start)} ${parts.join('; ')}`] : []),
      ...news,
    ];
  }

  #print(lines: readonly string[]): void {
    if (lines.length > 0) this.#options.screen.write(`${lines.join('\n')}\n`);
  }
}

const inSeconds = (ms: number): string => formatDuration(Math.round(ms / 1000) * 1000);

const silenceOver = (ms: number): string => `frames come again after ${inSeconds(ms)}: bpftrace answers`;

/** An end begins with that it is one: in a stream it must not read like another alert. */
function newsLines(incident: Incident, zone: TimeZone): string[] {
  const state = stateOfIncident(incident);
  const [head = '', ...rest] = incidentLines(incident, zone);
  return state === 'firing' ? [head, ...rest] : [`${state.toUpperCase()}: ${head}`, ...rest];
}
