import type { Clock } from '../core/clock.ts';
import type { Config } from '../core/config/config.ts';
import type { Log } from '../core/log.ts';
import type { State } from '../state/contract.ts';
import { createState, stateFile } from '../state/index.ts';
import type { Store } from '../store/contract.ts';
import { createStore, storeFile } from '../store/index.ts';

/**
 * The part of wire.ts that knows implementations of store and state. A thread that only reads them loads this alone:
 * detectors and receivers would be most of what it had to load.
 */

/** `readOnly`: a file must be there and stays as it is. */
interface Access {
  readonly readOnly?: boolean;
}
/** `warned`: what was said of a server already, which may be queue and state. */
export interface Shared {
  readonly warned?: Set<string>;
}

export const makeStore = (config: Config, log: Log, access: Access = {}): Store =>
  createStore(config.store, { data: config.data, log, ...access });
export const makeState = (config: Config, clock: Clock, log: Log, access: Access & Shared = {}): State =>
  createState(config, { clock, log, ...access });
/** The files that store and state are; null where they are servers. */
export const filesOf = (config: Config): { store: string | null; state: string | null } => ({
  store: storeFile(config.store, config.data),
  state: stateFile(config),
});
