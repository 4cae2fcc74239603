import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { type ProcessContext, ROOT_DATA } from '../app/process-context.ts';
import { DETECTOR_ROWS, SCHEMA } from '../app/wire.ts';
import { systemClock } from '../core/clock.ts';
import { type Loaded, loadConfig, type Machine } from './config/load.ts';
import { settingsWithoutEffect } from './config/unused-settings.ts';
import type { Screen } from './screen/live.ts';
import { createLog, PeopleLog, type Sink } from './screen/log.ts';

/** What every command works with. */
export interface Context extends ProcessContext {
  /** The configuration file, or null when defaults are used. */
  readonly file: string | null;
  /** A line for each setting that changes nothing. */
  readonly withoutEffect: readonly string[];
  /** Log lines on a terminal, or null when they go elsewhere. */
  readonly peopleLog: PeopleLog | null;
  readonly out: Screen;
}

/** Flags that every command has. */
export interface CommonFlags {
  readonly config?: string;
  /** `capture.hook` and `capture.account`, over the file and the environment. */
  readonly hook?: string;
  readonly account?: string;
  /** `collector.user`, the same. */
  readonly user?: string;
}

/** Read the configuration and make what commands share. `logSink` replaces standard error. */
export function createContext(
  flags: CommonFlags,
  signal: AbortSignal,
  logSink: Sink = process.stderr,
): Context {
  const loaded = load(flags);
  const peopleLog = process.stderr.isTTY ? new PeopleLog(logSink) : null;
  const log = createLog(loaded.config.log.level, peopleLog ?? logSink);
  for (const warning of loaded.warnings) log.warn(warning);
  const { config, file } = loaded;
  const withoutEffect = settingsWithoutEffect(loaded, SCHEMA, DETECTOR_ROWS);
  return { config, file, withoutEffect, clock: systemClock, log, peopleLog, out: process.stdout, signal };
}

/** The checked configuration of this machine. */
export function load(flags: CommonFlags): Loaded {
  const env = { ...process.env };
  if (flags.hook !== undefined) env.TIDEGAUGE_CAPTURE_HOOK = flags.hook;
  if (flags.account !== undefined) env.TIDEGAUGE_CAPTURE_ACCOUNT = flags.account;
  if (flags.user !== undefined) env.TIDEGAUGE_COLLECTOR_USER = flags.user;
  return loadConfig(SCHEMA, { file: flags.config ?? null, env, machine: machine() });
}

function machine(): Machine {
  const root = process.getuid?.() === 0;
  return {
    hostname: hostname(),
    data: root ? ROOT_DATA : join(homedir(), '.local/share/tidegauge'),
  };
}
