import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { refuseUnlessReady } from '../../app/capture-ready.ts';
import { demoConfig } from '../../app/wire.ts';
import { aborted } from '../../core/aborted.ts';
import { formatCounted, formatDuration, parseDuration } from '../../core/config/units.ts';
import { printable, UsageError } from '../../core/errors.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { isAboutAny } from '../../core/incident/members.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { Course, type Outcome, START_MS, TIMING } from '../../demo/course.ts';
import { DEMO_NAME, removeOldData } from '../../demo/leftovers.ts';
import { startDemoTraffic } from '../../demo/traffic.ts';
import { addCommand, type Register, setAction } from '../command.ts';
import type { CommonFlags, Context } from '../context.ts';
import { runRoles } from '../run-roles.ts';

interface DemoFlags extends CommonFlags {
  readonly for: string;
  readonly traffic?: boolean;
}

/** The leak must be over before the demonstration is. */
const SHORTEST_MS = TIMING.leakAfterMs + TIMING.leakMs;
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
    .option('--for <duration>', 'how long from the first stored frame on, such as 2m', '2m')
    .option(
      '--traffic',
      'only make the traffic; watch it with a `tidegauge run` of your own, and a rule that need not learn',
    );
  setAction(command, signal, demo, { ends: 'in order' });
};

/**
 * Makes traffic with a leak in it and watches it on a short interval. Nothing is kept; the receivers of the
 * configuration are notified, as of any incident. Exit code 1: the leak was made, or could not be, and nobody saw it.
 */
async function demo(context: Context, flags: DemoFlags): Promise<number> {
  const length = lengthOf(flags.for);
  await refuseUnlessReady(context);
  const { clock, log, screen, signal } = context;
  const traffic = await startDemoTraffic(TIMING.leakMs, context.config.capture.docker, clock, log);
  const made = `Made three ${traffic.kind}: ${traffic.names.join(', ')}.`;
  const course = new Course(clock, traffic.leak, length, signal);
  try {
    if (!flags.traffic) return await watch(context, course, made, traffic.names);
    screen.write(`${made}\n${leakLine(context, clock.now() + TIMING.leakAfterMs)}\n`);
    // Whoever watches has frames of their own: this is the only one here.
    course.frame({ faults: [] }, 1);
    await aborted(course.signal);
    return 0;
  } finally {
    course.end();
    await traffic.end();
    const incidents = flags.traffic
      ? 'incidents are those of who has watched it'
      : 'its incidents too: `explain` does not know them';
    screen.write(`The demonstration is over; what it made is removed, ${incidents}.\n`);
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

async function watch(
  context: Context,
  course: Course,
  made: string,
  names: readonly string[],
): Promise<number> {
  removeOldData(tmpdir());
  const data = mkdtempSync(join(tmpdir(), `${DEMO_NAME}${process.pid}-`));
  const found = new Map<string, Incident>();
  const show = {
    header: [made],
    shows: (container: string) => names.some(name => container === name || container.endsWith(`/${name}`)),
    onIncident: (incident: Incident) => found.set(incident.id, incident),
    onFrame: (frame: Frame, stored: number) => {
      const leakAt = course.frame(frame, stored);
      return leakAt === null ? [] : [leakLine(context, leakAt)];
    },
  };
  try {
    const config = demoConfig(context.config, data);
    const log = onlyTrouble(context);
    const watching = { ...context, config, log, unusedSettings: [], signal: course.signal };
    const code = await runRoles(watching, {}, { collect: true, detect: true }, show);
    const { lines, shown } = conclusion([...found.values()], course.outcome, {
      ...context,
      busy: busyHere(),
    });
    context.screen.write(`${lines.join('\n')}\n`);
    return code !== 0 || shown ? code : 1;
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

/** What is told of an installation is no news of one that lasts two minutes, such as whom no rule covers; `debug` has all. */
export function onlyTrouble({ config, log }: Pick<Context, 'config' | 'log'>): Context['log'] {
  return config.log.level === 'info' ? log.child({}, { level: 'warn' }) : log;
}

const leakLine = ({ zone }: Pick<Context, 'zone'>, at: number): string =>
  `At ${zone.clock(at)}, in ${formatDuration(TIMING.leakAfterMs)}, ${LEAK} sends far more than ever, for ${formatDuration(TIMING.leakMs)}.`;

/** What the demonstration has shown, for its end; `shown` is false when it was to show an alert and did not. */
export function conclusion(
  found: readonly Incident[],
  { leakAt, isLeakOver, frames, incomplete }: Outcome,
  { zone, signal, busy }: Pick<Context, 'zone' | 'signal'> & { readonly busy: Busy },
): { lines: string[]; shown: boolean } {
  const lines = found.map(({ title }) => `found: ${printable(title)}`);
  if (found.some(one => isAboutAny(one, ({ container }) => container.endsWith(LEAK))))
    return { lines, shown: true };
  if (signal.aborted && !isLeakOver)
    return { lines: [...lines, `It was ended before the leak of ${LEAK} was over.`], shown: true };
  const why =
    leakAt === null
      ? `No frame was stored within ${formatDuration(START_MS)}, so the leak of ${LEAK} was not made.`
      : `${LEAK} sent far more than ever from ${zone.clock(leakAt)} on, and no alert came. Of ${frames} frames ${incomplete} were incomplete, which are not judged.`;
  return { lines: [...lines, `${why} ${remedyFor(busy)}`], shown: false };
}

/** How many processes want to run, on average of the last minutes, and how many can. */
interface Busy {
  readonly wanting: number;
  readonly processors: number;
}

const busyHere = (): Busy => ({ wanting: loadavg()[1] ?? 0, processors: availableParallelism() });

/** On a machine on which many wait for their turn, probes are attached late and frames are incomplete: that is no bug. */
function remedyFor({ wanting, processors }: Busy): string {
  if (wanting > 2 * processors)
    return `The likely cause is that this machine is too busy: ${Math.round(wanting)} processes want to run on ${formatCounted(processors, 'processor')}. Try again when it is idle, or for longer: \`tidegauge demo --for 5m\`.`;
  return '`tidegauge doctor` says what is missing on this machine. If nothing is, this is a bug: please report it with what stands above.';
}
