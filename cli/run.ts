import { randomUUID } from 'node:crypto';
import { TidegaugeError } from '../core/errors.ts';
import type { Listener } from '../http/listener.ts';
import { Upkeep } from '../worker/upkeep.ts';
import { Worker } from '../worker/worker.ts';
import { type Collector, startCollector } from './collector.ts';
import { type CommonFlags, type Context, ensureDataFolder } from './context.ts';
import { listen } from './http.ts';
import { Live } from './live.ts';
import { refuseUnlessReady } from './ready.ts';
import { headerLines } from './status.ts';
import { openParts, type Parts } from './wire.ts';

export interface RunFlags extends CommonFlags {
  readonly record?: string;
  readonly quiet?: boolean;
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
export async function run(context: Context, flags: RunFlags, roles: Roles): Promise<number> {
  const { config, signal, out, log } = context;
  if (roles.collect) await refuseUnlessReady(context);
  if (roles.collect !== roles.detect) refuseUnlessShared(context);
  ensureDataFolder(config);
  const parts = await openParts(config, context.clock, log);
  const live = new Live(out, flags.quiet === true);
  let worker: Worker | null = null;
  let collector: Collector | null = null;
  let upkeep: Upkeep | null = null;
  let listener: Listener | null = null;
  try {
    const watched = {
      collector: () => collector,
      worker: () => worker?.status() ?? null,
      upkeep: () => upkeep?.status() ?? null,
    };
    listener = await listen(context, roles, parts, watched);
    const owner = `${config.host}-${process.pid}-${randomUUID()}`;
    worker = roles.detect ? await startWorker(context, parts, live, owner) : null;
    upkeep = roles.detect ? startUpkeep(context, parts, owner) : null;
    collector = roles.collect ? await startCollector(context, flags.record, parts, live, worker) : null;
    live.header(headerLines(config, parts, collector?.capture ?? null, roles.detect));
    if (listener) live.header([`metrics: ${listener.url}/metrics`]);
    const lost = await Promise.race([aborted(signal), ...(collector ? [collector.lost] : [])]);
    const left = (await collector?.stop()) ?? 0;
    if (left > 0) log.error({ frames: left }, 'frames could neither be stored nor spooled: they are lost');
    if (lost) throw lost;
    return left > 0 ? 1 : 0;
  } finally {
    await upkeep?.stop();
    await worker?.stop();
    await listener?.close();
    await parts.close();
  }
}

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise(resolve => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener('abort', () => resolve(null), { once: true });
  });
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
  live: Live,
  owner: string,
): Promise<Worker> {
  return Worker.start({
    ...parts,
    clock,
    log,
    owner,
    leaseMs: config.state.lease,
    checkpointMs: config.state.checkpoint,
    onIncident: incident => live.incident(incident),
  });
}

function startUpkeep({ config, clock, log }: Context, { store, state }: Parts, owner: string): Upkeep {
  const upkeep = new Upkeep({ store, state, clock, log, owner, rawMs: config.store.retention.raw });
  upkeep.start();
  return upkeep;
}
