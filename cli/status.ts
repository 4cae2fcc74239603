import type { Capture } from '../collector/capture.ts';
import type { Shipper } from '../collector/ship.ts';
import { isoTime } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import { printable } from '../core/errors.ts';
import type { Frame } from '../core/frame.ts';
import { formatDuration } from '../core/units.ts';
import type { Progress } from '../worker/host.ts';
import type { Worker } from '../worker/worker.ts';
import type { Parts } from './wire.ts';

/** Names listed in the first line about containers. */
const NAMES_SHOWN = 20;

/** What a start says: who we are, what hook is used, where the data is, who is told. */
export function headerLines(
  config: Config,
  parts: Parts,
  capture: Capture | null,
  detects: boolean,
): string[] {
  const role = capture ? `a frame every ${formatDuration(config.capture.interval)}` : 'detecting';
  const { store, queue, state } = parts.descriptions;
  return [
    `tidegauge on ${printable(config.host)}: ${role}`,
    ...(capture ? captureLines(capture) : []),
    `store: ${store}`,
    `queue: ${queue}`,
    `state: ${state}`,
    ...(detects ? [`receivers: ${receiversText(parts)}`] : []),
  ];
}

function captureLines(capture: Capture): string[] {
  const { hook, probe, bpftrace, docker } = capture.status();
  const connection = docker === null ? 'not asked' : docker ? 'connected' : 'not reachable';
  return [
    `hook: ${hook}, probe ${probe}, bpftrace ${bpftrace.version ?? 'of unknown version'}`,
    `Docker: ${connection}`,
  ];
}

function receiversText({ receivers }: Parts): string {
  const names = receivers.map(({ name, address }) => `${name} (${printable(address)})`);
  return (
    names.join(', ') || 'none; incidents are shown here and stored, add `receivers` to be told elsewhere'
  );
}

/** Who is watched, at the first frame. */
export function containersLine(frame: Frame): string {
  const names = frame.containers
    .filter(({ kind }) => kind === 'container')
    .map(({ name }) => printable(name, 60));
  if (names.length === 0) return "containers: none; the host's own cgroups are shown instead";
  const more = names.length - NAMES_SHOWN;
  return `containers: ${names.slice(0, NAMES_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** One line about the pipeline's health; `!` marks trouble. */
export function statusLine(frame: Frame, shipper: Shipper, worker: Worker | null): string {
  const { pending, dropped, refused, spool, storeDown, queueDown } = shipper.status();
  const status = worker?.status();
  const parts = [
    `${frame.containers.length} alive`,
    storeDown && `! store away: ${storeDown}`,
    queueDown && `! queue away: ${queueDown}`,
    status?.stateDown && `! state away: ${status.stateDown}`,
    pending > 1 && `${pending} frames waiting`,
    spool.fault && `! spool not writable, ${spool.unwritten} frames in memory only: ${spool.fault}`,
    dropped > 0 && `! ${dropped} frames dropped`,
    refused > 0 && `! ${refused} frames refused by the store`,
    spool.damaged > 0 && `! spool was damaged at ${spool.damaged} places`,
    status?.rebuilding && rebuildingText(status.rebuilding),
    status && status.failed > 0 && `${status.failed} deliveries failed`,
  ];
  return parts.filter(Boolean).join(', ');
}

const rebuildingText = ({ host, frames, at }: Progress): string =>
  `folding the history of ${printable(host, 60)}: ${frames} frames, at ${isoTime(at)}`;
