import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { Config } from '../core/config/config.ts';
import type { Log } from '../core/log.ts';
import type { State } from './contract.ts';
import { createRedisState } from './redis/state.ts';
import { createSqliteState } from './sqlite/state.ts';

/** An empty `state.sqlite.file` means `state.db` in the folder `data`. */
export type StateSettings = Pick<Config, 'state' | 'redis' | 'data'>;

interface Parts {
  clock: Clock;
  log: Log;
  /** What was warned of already, of servers that others use too. */
  warned?: Set<string>;
  /** Only look: a file of the state must be there and stays as it is. A server is asked as ever. */
  readOnly?: boolean;
}

const STATES: Record<Config['state']['kind'], (settings: StateSettings, parts: Parts) => State> = {
  sqlite: (settings, { clock, readOnly = false }) =>
    createSqliteState({ file: sqliteFile(settings), clock, readOnly }),
  redis: ({ redis }, parts) => createRedisState({ ...redis, ...parts }),
};

const sqliteFile = ({ state, data }: StateSettings): string => state.sqlite.file || join(data, 'state.db');

/** The file that the configured state is, or null when it is a server. */
export const stateFile = (settings: StateSettings): string | null =>
  settings.state.kind === 'sqlite' ? sqliteFile(settings) : null;

/** The state that the configuration names; nothing is opened before `open`. */
export function createState(settings: StateSettings, parts: Parts): State {
  return STATES[settings.state.kind](settings, parts);
}
