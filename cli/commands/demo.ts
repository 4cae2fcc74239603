import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refuseUnlessReady } from '../../app/capture-ready.ts';
import { demoConfig } from '../../app/wire.ts';
import { formatDuration, parseDuration } from '../../core/config/units.ts';
import { printable, UsageError } from '../../core/errors.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { startDemoTraffic, type Timing } from '../../demo/traffic.ts';
import { addCommand, type Register, setAction } from '../command.ts';
import type { CommonFlags, Context } from '../context.ts';
import { runRoles } from '../run-roles.ts';

interface DemoFlags extends CommonFlags {
  readonly for: string;
  readonly traffic?: boolean;
}

/** Quiet long enough for the detectors to learn, then the leak. */
const TIMING: Timing = { burstAfterMs: 45_000, burstMs: 15_000 };

/** The leak must be over before the demonstration is. */
const SHORTEST_MS = TIMING.burstAfterMs + TIMING.burstMs;
const LONGEST_MS = 86_400_000;
/** Who leaks. */
const LEAK = 'shop-db';

export const registerDemo: Register = (program, signal) => {
  const command = addCommand(
    program,
    'demo',
    'make real traffic between a few containers, with a leak in it, and watch it; your receivers are notified',
  );
  command
    .option('--for <duration>', 'how long, such as 2m', '2m')
    .option('--traffic', 'only make the traffic; watch it with a `tidegauge run` of your own');
  setAction(command, signal, demo, { ends: 'in order' });
};

/**
 * Makes traffic with a leak in it and watches it on a short interval. Nothing is kept; the receivers of the
 * configuration are notified, as of any incident.
 */
async function demo(context: Context, flags: DemoFlags): Promise<number> {
  const length = lengthOf(flags.for);
  await refuseUnlessReady(context);
  const traffic = await startDemoTraffic(TIMING, context.config.capture.docker, context.clock, context.log);
  const leakAt = context.clock.now() + TIMING.burstAfterMs;
  const intro = [
    `Made three ${traffic.kind}: ${traffic.names.join(', ')}.`,
    `At ${context.zone.clock(leakAt)}, in ${formatDuration(TIMING.burstAfterMs)}, ${LEAK} sends far more than ever, for ${formatDuration(TIMING.burstMs)}.`,
  ];
  const over = new AbortController();
  void context.clock.sleep(length, context.signal).then(() => over.abort());
  try {
    if (!flags.traffic) return await watch({ ...context, signal: over.signal }, intro, traffic.names);
    context.out.write(`${intro.join('\n')}\n`);
    await context.clock.sleep(length, over.signal);
    return 0;
  } finally {
    await traffic.end();
    context.out.write('The demonstration is over; what it made is removed.\n');
  }
}

function lengthOf(text: string): number {
  const length = parseDuration(text);
  if (length !== null && length >= SHORTEST_MS && length <= LONGEST_MS) return length;
  const [least, most] = [formatDuration(SHORTEST_MS), formatDuration(LONGEST_MS)];
  const problem = {
    place: '--for',
    expected: `a duration from ${least} (the leak is over then) to ${most}`,
    found: printable(text),
    remedy: 'Leave the flag out, or give a length such as 2m.',
  };
  throw new UsageError(problem);
}

async function watch(context: Context, intro: readonly string[], names: readonly string[]): Promise<number> {
  const data = mkdtempSync(join(tmpdir(), 'tidegauge-demo-'));
  const found = new Map<string, Incident>();
  const show = {
    header: intro,
    shows: (container: string) => names.some(name => container === name || container.endsWith(`/${name}`)),
    onIncident: (incident: Incident) => found.set(incident.id, incident),
  };
  try {
    const config = demoConfig(context.config, data);
    const code = await runRoles(
      { ...context, config, unusedSettings: [] },
      {},
      { collect: true, detect: true },
      show,
    );
    context.out.write(`${foundLines([...found.values()]).join('\n')}\n`);
    return code;
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

/** What the demonstration has shown, for its end. */
export function foundLines(found: readonly Incident[]): string[] {
  const lines = found.map(({ title }) => `found: ${printable(title)}`);
  if (found.some(({ container }) => container.endsWith(LEAK))) return lines;
  return [...lines, `the alert about ${LEAK} did not come: was the demonstration ended before the leak?`];
}
