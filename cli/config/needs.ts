import type { Config } from '../../core/config/config.ts';

/** A group of the configuration: one of its top keys. */
export type Group = keyof Config;

/**
 * Groups without which a command would do something else than it is asked to. What is wrong in others is said, and no
 * reason to refuse: a silence is added in the night on which somebody has broken a receiver.
 */
export type Needs = readonly Group[];

/** For commands on what is stored. */
export const STORED: Needs = ['host', 'data', 'time_zone', 'store', 'state', 'redis', 'server'];

/** For commands that judge stored or recorded frames again. */
export const JUDGED: Needs = [...STORED, 'detectors', 'alert'];

/** The configuration without these groups, whose defaults are in force then. */
export const without = (raw: Readonly<Record<string, unknown>>, groups: ReadonlySet<string>) =>
  Object.fromEntries(Object.entries(raw).filter(([group]) => !groups.has(group)));
