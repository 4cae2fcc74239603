import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import { describeError, TidegaugeError } from '../core/errors.ts';
import { makeFolder } from '../core/folder.ts';
import { type Loaded, loadConfig, type Machine } from './config.ts';
import type { Screen } from './live.ts';
import { createLog, PeopleLog, type Sink } from './log.ts';
import { settingsWithoutEffect } from './no-effect.ts';
import { DETECTOR_ROWS, SCHEMA } from './wire.ts';

/** What every command works with. */
export interface Context {
  readonly config: Config;
  /** The configuration file, or null when defaults are used. */
  readonly file: string | null;
  /** A line for each setting that changes nothing. */
  readonly withoutEffect: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Log lines on a terminal, or null when they go elsewhere. */
  readonly peopleLog: PeopleLog | null;
  readonly out: Screen;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
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

/** Where the data of root are, unless configured otherwise. */
export const ROOT_DATA = '/var/lib/tidegauge';

function machine(): Machine {
  const root = process.getuid?.() === 0;
  return {
    hostname: hostname(),
    data: root ? ROOT_DATA : join(homedir(), '.local/share/tidegauge'),
  };
}

/** Make the data directory; everything of ours on disk is in it. Readable by its owner only. */
export function ensureDataFolder(config: Config): void {
  try {
    makeFolder(config.data, 0o700);
  } catch (cause) {
    throw new TidegaugeError(
      {
        place: config.data,
        expected: 'a directory that can be made',
        found: describeError(cause),
        remedy: 'Set `data` to a directory that this user can make and write.',
      },
      { cause, exitCode: 2 },
    );
  }
}
