import type { Log } from '../../core/log.ts';

export interface Line {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  fields: Record<string, unknown>;
}

/** A logger that remembers what it was told. */
export function recordingLog(): { log: Log; lines: Line[] } {
  const lines: Line[] = [];
  const take =
    (level: Line['level']) =>
    (first: unknown, second?: unknown): void => {
      const fields = typeof first === 'string' ? {} : (first as Record<string, unknown>);
      lines.push({ level, fields, message: String(typeof first === 'string' ? first : second) });
    };
  const log = { debug: take('debug'), info: take('info'), warn: take('warn'), error: take('error') };
  return { log: log as Log, lines };
}
