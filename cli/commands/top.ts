import { Option } from 'commander';
import { formatDuration } from '../../core/config/units.ts';
import { describeError, printable } from '../../core/errors.ts';
import type { Detection } from '../../core/incident/incident.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Store } from '../../store/contract.ts';
import { addCommand, type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { hintHost, readStore } from '../open-data.ts';
import { SORTS, type Sort, topRows } from '../screen/top/rows.ts';
import { Terminal } from '../screen/top/terminal.ts';
import { topLines } from '../screen/top/view.ts';

interface TopFlags extends CommonFlags {
  readonly host?: string;
  readonly sort: Sort;
  readonly once?: boolean;
}

/** Sizes and scores are those of this time before the newest frame, ms. */
const SPAN_MS = 60_000;
/** How often it is looked for a new frame, ms. */
const LOOK_MS = 1000;
/** The newest frame is old from here on, in its own length. */
const OLD_AFTER = 3;

export const registerTop: Register = (program, signal) => {
  const command = addCommand(
    program,
    'top',
    'what containers send and receive now, with sizes, scores and what was expected; beside a running `run`',
  );
  command
    .option('--host <name>', 'this host instead of the one of the configuration')
    .addOption(
      new Option('--sort <by>', 'what comes first; on the screen also by keys')
        .choices(Object.keys(SORTS))
        .default('rate'),
    )
    .option('--once', 'print it once, as it is done when the output is no terminal');
  setAction(command, signal, top, { ends: 'in order', needs: STORED });
};

/** What is shown of the store. */
interface Seen {
  readonly frames: readonly Frame[];
  readonly detections: readonly Detection[];
}

async function top(context: Context, flags: TopFlags): Promise<number> {
  const host = flags.host ?? context.config.host;
  return readStore(context, async store => {
    if (flags.once || !context.out.isTTY) await printOnce(context, store, host, flags.sort);
    else await show(context, store, host, flags.sort);
  });
}

/** A pipe has no width: nothing is cut. */
async function printOnce(context: Context, store: Store, host: string, sort: Sort): Promise<void> {
  const { out } = context;
  const seen = await look(store, host, null);
  if (seen.frames.length === 0) await hintHost(store, host);
  const size = { width: out.columns || 200, height: Number.MAX_SAFE_INTEGER };
  const lines = picture(context, seen, { host, sort, size, color: false, keys: false, trouble: null });
  out.write(`${lines.join('\n')}\n`);
}

/** Draws until `q` or a signal. A store that is away is said on the screen: what was seen last stays. */
async function show(context: Context, store: Store, host: string, first: Sort): Promise<void> {
  const { clock, out } = context;
  const end = new AbortController();
  const stop = () => end.abort();
  if (context.signal.aborted) return;
  context.signal.addEventListener('abort', stop, { once: true });
  let sort = first;
  let seen: Seen = { frames: [], detections: [] };
  let trouble: string | null = null;
  const terminal = new Terminal(out, process.stdin, key => {
    if (key === 'q') stop();
    const asked = Object.entries(SORTS).find(([, each]) => each.key === key);
    if (asked) sort = asked[0] as Sort;
    draw();
  });
  const draw = () => {
    const { size, hasKeys } = terminal;
    terminal.draw(picture(context, seen, { host, sort, size, color: hasColor(), keys: hasKeys, trouble }));
  };
  out.on('resize', draw);
  try {
    while (!end.signal.aborted) {
      try {
        seen = await look(store, host, seen);
        trouble = null;
      } catch (error) {
        trouble = describeError(error);
      }
      draw();
      await clock.sleep(LOOK_MS, end.signal);
    }
  } finally {
    out.off('resize', draw);
    context.signal.removeEventListener('abort', stop);
    terminal.close();
  }
}

/** What is stored now; only what has come since `before` is read. */
async function look(store: Store, host: string, before: Seen | null): Promise<Seen> {
  const newest = await store.lastFrame(host);
  if (newest === null) return { frames: [], detections: [] };
  const from = newest.from - SPAN_MS;
  const known = (before?.frames ?? []).filter(({ start }) => start > from && start <= newest.from);
  const next = (known.at(-1)?.start ?? from) + 1;
  const frames = [...known];
  for await (const frame of store.readFrames(host, { from: next, to: newest.from + 1 })) frames.push(frame);
  return { frames, detections: await store.readDetections(host, { from, to: newest.from + 1 }) };
}

interface Picture {
  readonly host: string;
  readonly sort: Sort;
  readonly size: { readonly width: number; readonly height: number };
  readonly color: boolean;
  readonly keys: boolean;
  readonly trouble: string | null;
}

function picture({ clock, zone }: Context, { frames, detections }: Seen, about: Picture): string[] {
  const { host, sort, size, color, keys, trouble } = about;
  const newest = frames.at(-1);
  const title = [
    `tidegauge top: ${printable(host, 60)}`,
    ...(newest ? [zone.clock(newest.start), ageText(newest, clock.now())] : []),
    ...(newest && newest.faults.length > 0 ? ['! INCOMPLETE'] : []),
    ...(trouble === null ? [] : [`! store: ${trouble}`]),
  ];
  const text = title.filter(part => part !== '').join('  ');
  return topLines(topRows(frames, detections, sort), { ...size, sort, color, keys, title: text });
}

/** Nothing while frames come as they should. */
function ageText({ start, durationMs }: Frame, now: number): string {
  const age = now - start - durationMs;
  return age <= OLD_AFTER * durationMs ? '' : `! ${formatDuration(Math.round(age / 1000) * 1000)} old`;
}

/** no-color.org, and terminals that know nothing. */
const hasColor = (): boolean => (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb';
