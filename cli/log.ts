import pino, { type Logger } from 'pino';
import { printable } from '../core/errors.ts';

/** Where log text goes: anything that takes lines. */
export interface Sink {
  write(text: string): unknown;
}

const NAMES: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warning', 50: 'error' };
/** Keys that pino adds and people do not need. */
const HIDDEN = new Set(['level', 'time', 'msg', 'pid', 'hostname']);

/** A logger that writes one JSON object a line, or, `forPeople`, one short line of text. */
export function createLog(level: string, sink: Sink, forPeople: boolean): Logger {
  const stream = forPeople
    ? { write: (line: string) => sink.write(lineForPeople(line)) }
    : { write: (line: string) => sink.write(line) };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream);
}

/** `12:01:07 warning: the store is away (error=…)` of one line of pino's JSON. */
export function lineForPeople(line: string): string {
  const entry = JSON.parse(line) as Record<string, unknown>;
  const time = String(entry.time).slice(11, 19);
  const facts = Object.entries(entry)
    .filter(([key]) => !HIDDEN.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const tail = facts.length > 0 ? ` (${facts.join(', ')})` : '';
  return `${time} ${NAMES[Number(entry.level)] ?? 'message'}: ${printable(`${entry.msg}${tail}`, 600)}\n`;
}
