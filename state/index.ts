import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import type { Log } from '../core/log.ts';
import type { State } from './contract.ts';
import { createRedisState } from './redis/state.ts';
import { createSqliteState } from './sqlite/state.ts';

/** An empty `state.sqlite.file` means `state.db` in the folder `data`. */
export type StateSettings = Pick<Config, 'state' | 'redis' | 'data'>;

interface Parts {
  clock: Clock;
  log: Log;
}

const STATES: Record<Config['state']['kind'], (settings: StateSettings, parts: Parts) => State> = {
  sqlite: ({ state, data }, { clock }) =>
    createSqliteState({ file: state.sqlite.file || join(data, 'state.db'), clock }),
  redis: ({ redis }, parts) => createRedisState({ ...redis, ...parts }),
};

/** The state that the configuration names; nothing is opened before `open`. */
export function createState(settings: StateSettings, parts: Parts): State {
  return STATES[settings.state.kind](settings, parts);
}
