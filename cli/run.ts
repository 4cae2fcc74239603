import { randomUUID } from 'node:crypto';
import { TidegaugeError } from '../core/errors.ts';
import type { Incident } from '../core/incident.ts';
import type { Listener } from '../http/listener.ts';
import { Upkeep } from '../worker/upkeep.ts';
import { Worker } from '../worker/worker.ts';
import { aborted } from './aborted.ts';
import { type Collector, startCollector } from './collector.ts';
import { type CommonFlags, type Context, ensureDataFolder } from './context.ts';
import { listen } from './http.ts';
import { Live } from './live.ts';
import { refuseIfInUse } from './outbox.ts';
import { refuseUnlessReady } from './ready.ts';
import { refuseToReplace } from './record.ts';
import { closingLine, headerLines } from './status.ts';
import { openParts, type Parts } from './wire.ts';

export interface RunFlags extends CommonFlags {
  readonly record?: string;
  /** A file of `record` may be replaced. */
  readonly force?: boolean;
  readonly quiet?: boolean;
}

/** What a command on top of `run` adds to what is shown. */
export interface Show {
  /** Lines above all others. */
  readonly header?: readonly string[];
  /** Whose traffic is shown. */
  readonly shows?: (container: string) => boolean;
  readonly onIncident?: (incident: Incident) => void;
}

/** Which roles this process plays. */
export interface Roles {
  readonly collect: boolean;
  readonly detect: boolean;
}

/**
 * `tidegauge run`, `collect` and `detect`: start the roles, show what happens, end in the order of the data's way:
 * capture, shipping, worker.
 */
export async function run(context: Context, flags: RunFlags, roles: Roles, show: Show = {}): Promise<number> {
  const { config, signal, log } = context;
  if (flags.record !== undefined) refuseToReplace(flags.record, flags.force === true);
  if (roles.collect) await refuseUnlessReady(context);
  if (roles.collect !== roles.detect) refuseUnlessShared(context);
  ensureDataFolder(config);
  if (roles.collect) refuseIfInUse(config.data);
  const parts = await openParts(config, context.clock, log);
  const live = openLive(context, roles.collect && flags.quiet !== true, show);
  let worker: Worker | null = null;
  let collector: Collector | null = null;
  let upkeep: Upkeep | null = null;
  let listener: Listener | null = null;
  let closing: string | null = null;
  try {
    const watched = {
      collector: () => collector,
      worker: () => worker?.status() ?? null,
      upkeep: () => upkeep?.status() ?? null,
    };
    listener = await listen(context, roles, parts, watched);
    const owner = `${config.host}-${process.pid}-${randomUUID()}`;
    const onIncident = (incident: Incident) => {
      live.incident(incident);
      show.onIncident?.(incident);
    };
    worker = roles.detect ? startWorker(context, parts, onIncident, owner) : null;
    upkeep = roles.detect ? startUpkeep(context, parts, owner) : null;
    collector = roles.collect ? await startCollector(context, flags.record, parts, live, worker) : null;
    const metrics = listener && `${listener.url}/metrics`;
    live.header(
      headerLines(config, parts, { capture: collector?.capture ?? null, detects: roles.detect, metrics }),
    );
    const lost = await Promise.race([aborted(signal), ...(collector ? [collector.lost] : [])]);
    const left = (await collector?.stop()) ?? 0;
    if (left > 0) log.error({ frames: left }, 'frames could neither be stored nor spooled: they are lost');
    if (lost) throw lost;
    closing = closingLine(collector?.shipper.status().pending ?? null, left);
    return left > 0 ? 1 : 0;
  } finally {
    await upkeep?.stop();
    await worker?.stop();
    await listener?.close();
    await parts.close();
    context.peopleLog?.divert(null);
    if (closing !== null) live.end(closing);
  }
}

/** On a terminal log lines go into the picture, which would wipe them otherwise. */
function openLive({ out, clock, peopleLog }: Context, traffic: boolean, { header, shows }: Show): Live {
  const live = new Live({ screen: out, clock, traffic, ...(shows ? { shows } : {}) });
  if (live.redraws) peopleLog?.divert(entry => live.log(entry));
  if (header) live.header(header);
  return live;
}

/** Separate processes must meet somewhere. */
function refuseUnlessShared({ config }: Context): void {
  if (config.queue.kind !== 'inline') return;
  const problem = {
    place: 'queue.kind',
    expected: 'bullmq, because collector and detectors are separate processes',
    found: config.queue.kind,
    remedy: 'Set queue.kind to bullmq, or use `tidegauge run`, which is both in one process.',
  };
  throw new TidegaugeError(problem, { exitCode: 2 });
}

function startWorker(
  { config, clock, log }: Context,
  parts: Parts,
  onIncident: (incident: Incident) => void,
  owner: string,
): Worker {
  return Worker.start({
    ...parts,
    clock,
    log,
    owner,
    leaseMs: config.state.lease,
    checkpointMs: config.state.checkpoint,
    onIncident,
  });
}

function startUpkeep({ config, clock, log }: Context, { store, state }: Parts, owner: string): Upkeep {
  const upkeep = new Upkeep({ store, state, clock, log, owner, rawMs: config.store.retention.raw });
  upkeep.start();
  return upkeep;
}
