import { refuseUnlessReady } from '../app/capture-ready.ts';
import { type Collector, type OnFrame, startCollector } from '../app/collector-process.ts';
import { type Detecting, startDetecting } from '../app/detector-process.ts';
import { ENDING_MS, Ending } from '../app/ending.ts';
import { listen, pageOf, startMeasuring } from '../app/http.ts';
import { refuseIfInUse } from '../app/outbox.ts';
import { ensureDataFolder } from '../app/process-context.ts';
import { divideRights, type Rights } from '../app/rights.ts';
import { startBackends } from '../app/wire.ts';
import { aborted } from '../core/aborted.ts';
import { UsageError } from '../core/errors.ts';
import type { Incident } from '../core/incident/incident.ts';
import type { Frame } from '../core/traffic/frame.ts';
import type { Listener } from '../http/listener.ts';
import type { CommonFlags, Context } from './context.ts';
import { refuseToReplace } from './refuse-to-replace.ts';
import { frameView } from './screen/frame-view.ts';
import { Live } from './screen/live.ts';
import { closingLine, headerLines } from './screen/status.ts';

export interface RunFlags extends CommonFlags {
  readonly record?: string;
  /** A file of `record` may be replaced. */
  readonly force?: boolean;
  readonly quiet?: boolean;
}

/** What a command built on these roles adds to the screen. */
export interface Show {
  /** Lines above all others. */
  readonly header?: readonly string[];
  /** Whose traffic is shown. */
  readonly shows?: (container: string) => boolean;
  readonly onIncident?: (incident: Incident) => void;
  /** Told of each frame, and how many are stored; what it returns is added to the lines above all others. */
  readonly onFrame?: (frame: Frame, stored: number) => readonly string[];
}

/** Which roles this process plays. */
export interface Roles {
  readonly collect: boolean;
  readonly detect: boolean;
}

/**
 * `tidegauge run`, `collect` and `detect`: start the roles, show what happens, end in the order of the data's way:
 * capture, shipping, worker. While store, queue or state are away, frames are captured into the spool, and detection
 * waits.
 */
export async function runRoles(
  context: Context,
  flags: RunFlags,
  roles: Roles,
  show: Show = {},
): Promise<number> {
  for (const line of context.unusedSettings) context.log.warn(line);
  if (flags.record !== undefined) refuseToReplace('--record', flags.record, flags.force === true);
  if (roles.collect) await refuseUnlessReady(context);
  if (roles.collect !== roles.detect) refuseUnlessShared(context);
  const rights = roles.collect ? await divideRights(context) : null;
  try {
    return await play({ ...context, rights }, flags, roles, show);
  } finally {
    await rights?.close();
  }
}

/** When frames must be shipped and lanes given back, after the last readout, ms. */
const SHIPPED_MS = 1800;
const DETECTED_MS = 3300;

/** With the rights already divided. */
async function play(
  context: Context & { readonly rights: Rights | null },
  flags: RunFlags,
  roles: Roles,
  show: Show,
): Promise<number> {
  const { config, signal, log, rights } = context;
  ensureDataFolder(config);
  if (roles.collect) refuseIfInUse(config.data);
  const measured = startMeasuring();
  const starting = startBackends(config, context.clock, log, {
    observe: measured.observe,
    page: pageOf(config, roles),
  });
  const backends = await Promise.race([starting, aborted(signal)]);
  // Asked to end while a server was waited for: nothing has begun.
  if (backends === null) return 0;
  const live = openLive(context, roles.collect && flags.quiet !== true, show);
  let detecting: Detecting | null = null;
  let collector: Collector | null = null;
  let listener: Listener | null = null;
  let closing: { pending: number | null; lost: number } | null = null;
  /** From the last readout on. */
  let ending: Ending | null = null;
  /** Stops watching for overdue frames. */
  const watching = new AbortController();
  try {
    const watched = {
      collector: () => collector,
      worker: () => detecting?.worker() ?? null,
      maintenance: () => detecting?.maintenance() ?? null,
      rules: () => detecting?.rules ?? null,
      learning: () => detecting?.learning ?? null,
    };
    listener = await listen(context, roles, backends, measured, watched);
    const onIncident = (incident: Incident) => {
      live.incident(incident);
      show.onIncident?.(incident);
    };
    detecting = roles.detect ? startDetecting(context, backends, onIncident) : null;
    const judged = {
      worker: watched.worker,
      unmatched: () => detecting?.rules.unmatched() ?? [],
      learning: (host: string) => detecting?.learning.of(host) ?? null,
    };
    const drawn = frameView(live, backends, judged, context.zone);
    const view: OnFrame = (frame, status) => {
      if (show.onFrame) live.header(show.onFrame(frame, status.shipper.stored));
      drawn(frame, status);
    };
    collector = rights ? await startCollector({ ...context, ...rights }, flags.record, backends, view) : null;
    if (collector) void live.watch(config.capture.interval, watching.signal);
    live.header(
      headerLines(config, backends, { capture: collector?.capture ?? null, detects: roles.detect, listener }),
    );
    const { failed } = backends.startup;
    const losses = [...(collector ? [collector.lost] : []), ...(rights ? [rights.lost] : [])];
    const reason = await Promise.race([aborted(signal), failed, ...losses]);
    watching.abort();
    await collector?.readOut();
    ending = new Ending(context.clock);
    await ending.step(
      SHIPPED_MS,
      async () => collector?.stop(),
      () => null,
    );
    const { pending = null, spool } = collector?.shipper.status() ?? {};
    const left = spool?.unwritten ?? 0;
    if (left > 0) log.error({ frames: left }, 'frames could neither be stored nor spooled: they are lost');
    if (reason !== null) throw reason;
    closing = { pending, lost: left };
    return left > 0 ? 1 : 0;
  } finally {
    watching.abort();
    backends.startup.close();
    ending ??= new Ending(context.clock);
    await ending.step(
      DETECTED_MS,
      async () => detecting?.stop(),
      why => `lanes were not released: the state: ${detecting?.worker()?.stateDown ?? why}`,
    );
    const unreleased = detecting?.worker()?.unreleased ?? null;
    const close = () => Promise.all([listener?.close(), backends.close()]);
    await ending.step(ENDING_MS, close, () => null);
    context.peopleLog?.divert(null);
    const undone =
      ending.undone.length === 0 && unreleased !== null
        ? [`lanes were not released: the state: ${unreleased}`]
        : ending.undone;
    if (closing !== null) live.end(closingLine(closing.pending, closing.lost, undone));
  }
}

/** Log lines of the same terminal go into the redrawn screen, which would wipe them otherwise. */
function openLive(
  { screen, clock, zone, peopleLog }: Context,
  traffic: boolean,
  { header, shows }: Show,
): Live {
  const live = new Live({ screen, clock, zone, traffic, ...(shows ? { shows } : {}) });
  if (live.redraws && process.stderr.isTTY) {
    for (const entry of peopleLog?.written ?? []) live.recall(entry);
    peopleLog?.divert(entry => live.log(entry));
  }
  if (header) live.header(header);
  return live;
}

/** Separate processes need a shared queue. */
function refuseUnlessShared({ config }: Context): void {
  if (config.queue.kind !== 'inline') return;
  const problem = {
    place: 'queue.kind',
    found: `${config.queue.kind} works within one process only, and collector and detectors are separate ones`,
    remedy: 'Set queue.kind to bullmq, or use `tidegauge run`, which does both in one process.',
  };
  throw new UsageError(problem);
}
