import { Writable } from 'node:stream';
import pino, { type Logger } from 'pino';
import { printable } from '../../core/errors.ts';
import { type TimeZone, UTC } from '../../core/time-zone.ts';

/** Where log text goes: anything that takes lines. */
export interface Sink {
  write(text: string): unknown;
}

/** A log line for people. */
export interface Entry {
  /** `12:01:07Z`, in the zone of the log. */
  readonly time: string;
  readonly level: 'debug' | 'info' | 'warning' | 'error' | 'message';
  /** Message and facts, printable. */
  readonly text: string;
  /** The message alone: the same for everything of this kind. */
  readonly message: string;
}

const NAMES: Readonly<Record<number, Entry['level']>> = {
  20: 'debug',
  30: 'info',
  40: 'warning',
  50: 'error',
};
/** Keys that pino adds and people do not need. */
const HIDDEN = new Set(['level', 'time', 'msg', 'pid', 'hostname']);

/** Lines kept for a screen that starts later. */
const KEPT = 20;

/** Log lines as text, to a sink, or to the live screen while there is one: a redraw would wipe what others write. */
export class PeopleLog implements Sink {
  readonly #sink: Sink;
  readonly #zone: TimeZone;
  /** What went onto the sink last. */
  #written: readonly Entry[] = [];
  #screen: ((entry: Entry) => void) | null = null;

  constructor(sink: Sink, zone: TimeZone) {
    this.#sink = sink;
    this.#zone = zone;
  }

  /** The last lines on the sink, which a redraw will wipe. */
  get written(): readonly Entry[] {
    return this.#written;
  }

  /** From now on to `screen`; null: back to the sink. */
  divert(screen: ((entry: Entry) => void) | null): void {
    this.#screen = screen;
  }

  /** Takes one line of pino's JSON. */
  write(line: string): void {
    const entry = entryOf(line, this.#zone);
    if (this.#screen) this.#screen(entry);
    else {
      this.#sink.write(`${entryText(entry)}\n`);
      this.#written = [...this.#written, entry].slice(-KEPT);
    }
  }
}

/** A logger that writes one JSON object a line: as it is, or for people when the sink is a PeopleLog. */
export function createLog(level: string, sink: Sink): Logger {
  const stream = { write: (line: string) => sink.write(line) };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream);
}

/** A screen each line of which is an entry of the log: who reads JSON reads nothing else. */
export const loggedScreen = (log: Pick<Logger, 'info'>): Writable =>
  new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      for (const line of text.split('\n')) if (line !== '') log.info(line);
      done();
    },
  });

/** `12:01:07Z warning: the store is away (error=…)`. */
export const entryText = ({ time, level, text }: Entry): string => `${time} ${level}: ${text}`;

/** What one line of pino's JSON says to people. */
export function entryOf(line: string, zone: TimeZone): Entry {
  const fields = JSON.parse(line) as Record<string, unknown>;
  const facts = Object.entries(fields)
    .filter(([key]) => !HIDDEN.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const tail = facts.length > 0 ? ` (${facts.join(', ')})` : '';
  return {
    time: zone.clock(UTC.parse(String(fields.time)) ?? 0),
    level: NAMES[Number(fields.level)] ?? 'message',
    text: printable(`${fields.msg}${tail}`, 600),
    message: String(fields.msg),
  };
}
