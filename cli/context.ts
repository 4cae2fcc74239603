import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { type ProcessContext, ROOT_DATA } from '../app/process-context.ts';
import { DETECTOR_ROWS, SCHEMA } from '../app/wire.ts';
import { systemClock } from '../core/clock.ts';
import { TimeZone, UTC } from '../core/time-zone.ts';
import { type Loaded, loadConfig, type Machine } from './config/load.ts';
import type { Needs } from './config/needs.ts';
import { unusedProxies, unusedSettings } from './config/unused-settings.ts';
import type { Screen } from './screen/live.ts';
import { createLog, loggedScreen, PeopleLog, type Sink } from './screen/log.ts';

/** What every command works with. */
export interface Context extends ProcessContext {
  /** The configuration file, or null when defaults are used. */
  readonly file: string | null;
  /** A line for each setting, and each variable that names a proxy, that changes nothing. */
  readonly unusedSettings: readonly string[];
  /** Values of the configuration that stand in files and variables of their own, by path. */
  readonly references: Loaded['references'];
  /** The log as text, or null when it is JSON. */
  readonly peopleLog: PeopleLog | null;
  /** Of all times that people read and write. */
  readonly zone: TimeZone;
  /** Where results go. */
  readonly out: Screen;
  /** Where what happens is shown as it happens: the same, or the log when that is JSON. */
  readonly screen: Screen;
}

/** Flags that every command has. */
export interface CommonFlags {
  readonly config?: string;
  /** `capture.hook` and `capture.account`, over the file and the environment. */
  readonly hook?: string;
  readonly account?: string;
  /** `collector.user`, the same. */
  readonly user?: string;
  /** `log.level` and `log.format`, the same. */
  readonly logLevel?: string;
  readonly logFormat?: string;
  /** `time_zone` and `server.url`, the same. */
  readonly timeZone?: string;
  readonly server?: string;
}

/** Flags that stand for an environment variable, and win over it. */
const FLAG_VARIABLES = {
  hook: 'TIDEGAUGE_CAPTURE_HOOK',
  account: 'TIDEGAUGE_CAPTURE_ACCOUNT',
  user: 'TIDEGAUGE_COLLECTOR_USER',
  logLevel: 'TIDEGAUGE_LOG_LEVEL',
  logFormat: 'TIDEGAUGE_LOG_FORMAT',
  timeZone: 'TIDEGAUGE_TIME_ZONE',
  server: 'TIDEGAUGE_SERVER_URL',
} as const satisfies Partial<Record<keyof CommonFlags, string>>;

/**
 * Read the configuration and make what commands share. `logSink` replaces standard error; `needs`: groups of the
 * configuration that must be right, null: all of them.
 */
export function createContext(
  flags: CommonFlags,
  signal: AbortSignal,
  { logSink = process.stderr, needs = null }: { logSink?: Sink; needs?: Needs | null } = {},
): Context {
  const loaded = load(flags, needs);
  const [first, ...more] = loaded.spared;
  if (first !== undefined) process.stderr.write(`tidegauge: ${sparedText(first, more.length)}\n`);
  const { level, format } = loaded.config.log;
  const zone = TimeZone.named(loaded.config.time_zone) ?? UTC;
  const peopleLog = format === 'text' ? new PeopleLog(logSink, zone) : null;
  const log = createLog(level, peopleLog ?? logSink);
  for (const warning of loaded.warnings) log.warn(warning);
  const { config, file } = loaded;
  const unused = [
    ...unusedSettings(loaded, SCHEMA, DETECTOR_ROWS),
    ...unusedProxies(loaded.config, process.env),
  ];
  return {
    config,
    file,
    unusedSettings: unused,
    references: loaded.references,
    clock: systemClock,
    log,
    peopleLog,
    zone,
    out: process.stdout,
    screen: peopleLog === null ? loggedScreen(log) : process.stdout,
    signal,
  };
}

const sparedText = (line: string, more: number): string =>
  `${line}${more > 0 ? `, and ${more} more (\`tidegauge check\`)` : ''}. This command goes on without; \`run\` would not start.`;

/** The checked configuration of this machine. */
export function load(flags: CommonFlags, needs: Needs | null = null): Loaded {
  const env = { ...process.env };
  const flagOf = new Map<string, string>();
  for (const [name, variable] of Object.entries(FLAG_VARIABLES)) {
    const value = flags[name as keyof typeof FLAG_VARIABLES];
    if (value === undefined) continue;
    env[variable] = value;
    flagOf.set(variable, `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`);
  }
  return loadConfig(SCHEMA, { file: flags.config ?? null, env, flagOf, machine: machine(), needs });
}

function machine(): Machine {
  const root = process.getuid?.() === 0;
  return {
    hostname: hostname(),
    data: root ? ROOT_DATA : join(homedir(), '.local/share/tidegauge'),
  };
}
