import type { Logger } from 'pino';

/** The logger is handed in, never imported: no module-global state. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
