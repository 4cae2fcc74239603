import type { Command } from 'commander';
import type { Register } from '../command.ts';
import { addHelp } from '../pages/help.ts';

/** One command. Its file, and all that it needs, is loaded when it is asked for. */
interface CommandRow {
  readonly name: string;
  /** For the list of all; its own help says more. */
  readonly summary: string;
  readonly load: () => Promise<Register>;
}

/** All commands, in the order of `tidegauge --help`. A new one: a file in this folder and a row here. */
export const COMMANDS: readonly CommandRow[] = [
  {
    name: 'run',
    summary: 'capture, store, detect and alert, all in this process',
    load: async () => (await import('./run.ts')).registerRun,
  },
  {
    name: 'collect',
    summary: 'capture and store only; `detect` processes judge',
    load: async () => (await import('./collect.ts')).registerCollect,
  },
  {
    name: 'detect',
    summary: 'judge the frames of collectors and deliver notifications',
    load: async () => (await import('./detect.ts')).registerDetect,
  },
  {
    name: 'serve',
    summary: 'the HTTP API and the page over a store that others fill',
    load: async () => (await import('./serve.ts')).registerServe,
  },
  {
    name: 'demo',
    summary: 'real traffic between three containers, with a leak in it',
    load: async () => (await import('./demo.ts')).registerDemo,
  },
  {
    name: 'review',
    summary: 'what happened last night? and with other settings?',
    load: async () => (await import('./review.ts')).registerReview,
  },
  {
    name: 'incidents',
    summary: 'what was raised, and what became of the notifications',
    load: async () => (await import('./incidents.ts')).registerIncidents,
  },
  {
    name: 'incident',
    summary: 'say what an incident was, or that you see to it',
    load: async () => (await import('./incident/incident.ts')).registerIncident,
  },
  {
    name: 'explain',
    summary: 'the whole story of one incident',
    load: async () => (await import('./explain/explain.ts')).registerExplain,
  },
  {
    name: 'quality',
    summary: 'how often incidents were right, as people marked them',
    load: async () => (await import('./quality.ts')).registerQuality,
  },
  {
    name: 'connections',
    summary: 'every TCP connection as it is opened, accepted or refused',
    load: async () => (await import('./connections.ts')).registerConnections,
  },
  {
    name: 'map',
    summary: 'who talked to whom; failing edges come first',
    load: async () => (await import('./map.ts')).registerMap,
  },
  {
    name: 'traffic',
    summary: 'what each container sent and received over time',
    load: async () => (await import('./traffic.ts')).registerTraffic,
  },
  {
    name: 'top',
    summary: 'what containers send and receive now',
    load: async () => (await import('./top.ts')).registerTop,
  },
  {
    name: 'replay',
    summary: 'detection over a recording; anywhere, without root',
    load: async () => (await import('./replay.ts')).registerReplay,
  },
  {
    name: 'score',
    summary: 'anomalies of any series: CSV of timestamp,value[,label]',
    load: async () => (await import('./score.ts')).registerScore,
  },
  {
    name: 'doctor',
    summary: 'is anything missing on this machine? what to do?',
    load: async () => (await import('./doctor.ts')).registerDoctor,
  },
  {
    name: 'check',
    summary: 'is the configuration right? print what is in force',
    load: async () => (await import('./check.ts')).registerCheck,
  },
  {
    name: 'store',
    summary: 'manage the time-series database',
    load: async () => (await import('./store.ts')).registerStore,
  },
  {
    name: 'silence',
    summary: 'send no notifications about some containers for a while',
    load: async () => (await import('./silence.ts')).registerSilence,
  },
  {
    name: 'deploying',
    summary: 'for a CI job: tell nobody what a deploy explains',
    load: async () => (await import('./deploying.ts')).registerDeploying,
  },
  {
    name: 'deliveries',
    summary: 'messages on their way, and those that were given up',
    load: async () => (await import('./deliveries.ts')).registerDeliveries,
  },
  {
    name: 'notify',
    summary: 'try how people are told',
    load: async () => (await import('./notify.ts')).registerNotify,
  },
  {
    name: 'completion',
    summary: 'complete commands and flags in bash, zsh or fish',
    load: async () => (await import('./completion.ts')).registerCompletion(addAllCommands),
  },
];

/** Adds the command that the words name whole, and of the others what a list of all shows. */
export async function addCommands(
  program: Command,
  signal: AbortSignal,
  words: readonly string[],
): Promise<void> {
  const asked = words.find(word => COMMANDS.some(({ name }) => name === word));
  for (const { name, summary, load } of COMMANDS) {
    if (name === asked) {
      const register = await load();
      register(program, signal);
    } else program.command(name).summary(summary);
  }
  addHelp(program);
}

/** Adds all commands whole. */
export async function addAllCommands(program: Command, signal: AbortSignal): Promise<void> {
  for (const { name, summary, load } of COMMANDS) {
    const register = await load();
    register(program, signal);
    program.commands.find(command => command.name() === name)?.summary(summary);
  }
  addHelp(program);
}
