import { BACKENDS, type Unreached } from '../../app/backend-startup.ts';
import type { Backends } from '../../app/wire.ts';
import type { Capture } from '../../collector/capture/capture.ts';
import type { ShipperStatus } from '../../collector/ship/contract.ts';
import type { Config } from '../../core/config/config.ts';
import { formatDuration } from '../../core/config/units.ts';
import { printable } from '../../core/errors.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Unmatched } from '../../detector/fold/rule-coverage.ts';
import type { Listener } from '../../http/listener.ts';
import type { Progress } from '../../worker/host.ts';
import type { WorkerStatus } from '../../worker/worker.ts';
import { learningText, untilTexts } from './learning.ts';

/** Names listed in the first line about containers. */
const NAMES_SHOWN = 20;

/** The pipeline's health. */
export interface Status {
  /** One line, the worst first; `!` marks trouble. */
  readonly line: string;
  readonly trouble: boolean;
  /** Containers that are still being learned, each with until when: `until 22:53`. */
  readonly learning: ReadonlyMap<string, string>;
  /** Why, a line each: `store: connection refused`. */
  readonly reasons: readonly string[];
}

/** `off`: not asked for. `absent`: asked for, but never seen. `away`: it was there before. */
export type Docker = 'off' | 'connected' | 'absent' | 'away';

/** What a start says and what stays true: who we are, what hook is used, where the data is, who is told. */
export function headerLines(
  config: Config,
  backends: Pick<Backends, 'startup' | 'receivers'>,
  about: {
    readonly capture: Capture | null;
    readonly detects: boolean;
    readonly listener: Pick<Listener, 'url' | 'hasPage'> | null;
  },
): string[] {
  const { capture, detects, listener } = about;
  const role = capture ? `a frame every ${formatDuration(config.capture.interval)}` : 'detecting';
  const [store, queue, state] = BACKENDS.map(name => backends.startup.describe(name));
  return [
    `tidegauge on ${printable(config.host)}: ${role}${listener === null ? '' : placesText(listener)}; times: ${config.time_zone}`,
    ...(capture ? [captureLine(capture)] : []),
    `store: ${store}; queue: ${queue}; state: ${state}`,
    ...(detects ? [`receivers: ${receiversText(backends)}`] : []),
  ];
}

/** `; page: http://127.0.0.1:8433/; metrics: http://127.0.0.1:8433/metrics`. */
const placesText = ({ url, hasPage }: Pick<Listener, 'url' | 'hasPage'>): string =>
  `${hasPage ? `; page: ${url}/` : ''}; metrics: ${url}/metrics`;

function captureLine(capture: Capture): string {
  const { hook, probe, bpftrace } = capture.status();
  return `hook: ${hook}, probe ${probe}, bpftrace ${bpftrace.version ?? 'of unknown version'}`;
}

function receiversText({ receivers }: Pick<Backends, 'receivers'>): string {
  const names = receivers.map(({ name, address }) => `${name} (${printable(address)})`);
  return names.join(', ') || 'none: incidents are shown here and stored; add `receivers`';
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

/** What is known besides frames and pipeline. */
export interface Sight {
  readonly docker: Docker;
  /** By how much frames are ahead of a wall clock that was set back, ms. */
  readonly aheadMs: number;
  /** Of store, queue and state those that were not reached since the start. */
  readonly unreached: readonly Unreached[];
  /** Rules that match no containers; none where nothing is detected. */
  readonly unmatched: readonly Unmatched[];
  /** Containers that are still being learned: until when, epoch ms; null: not known. */
  readonly learning: ReadonlyMap<string, number | null>;
  /** Of the times that are shown. */
  readonly zone: TimeZone;
}

/** Rules that match no containers are explained up to this number. */
const RULES_EXPLAINED = 3;

/** What is to be said of the pipeline after a frame. `worker` is null where nothing is detected. */
export function statusOf(
  frame: Frame,
  shipper: ShipperStatus,
  worker: WorkerStatus | null,
  sight: Sight,
): Status {
  const { pending, dropped, refused, spool } = shipper;
  const { docker, aheadMs, unmatched } = sight;
  const away = awayParts(shipper, worker, sight);
  const trouble = [
    away.length > 0 && `! away: ${awayText(away, pending)}`,
    spool.fault !== null && `! spool not writable, ${frames(spool.unwritten)} in memory only`,
    dropped > 0 && `! ${frames(dropped)} dropped`,
    refused > 0 && `! ${frames(refused)} refused by the store`,
    spool.damaged > 0 && `! spool was damaged at ${spool.damaged} places`,
    aheadMs > 0 && `! clock was set back: frames are ${formatDuration(aheadMs)} ahead`,
    worker !== null &&
      worker.waitingHosts.length > 0 &&
      '! detection waits for history that is not in the store yet',
    worker !== null && worker.dead > 0 && `! ${worker.dead} notifications given up`,
  ].filter(part => part !== false);
  const news = [
    pending > 1 && away.length === 0 && `${frames(pending)} waiting`,
    worker !== null && worker.waiting > 0 && waitingText(worker),
    worker?.silences?.active ? silencesText(worker.silences) : false,
    worker?.rebuilding && rebuildingText(worker.rebuilding, sight.zone),
    aliveText(frame),
    learningText(sight.learning, frame.start, sight.zone),
    docker === 'absent' && 'no Docker',
    unmatched.length > 0 && `matching no containers: ${rulesText(unmatched)}`,
  ].filter(part => typeof part === 'string');
  return {
    line: [...trouble, ...news].join('; '),
    trouble: trouble.length > 0,
    learning: untilTexts(sight.learning, frame.start, sight.zone),
    reasons: [
      ...reasonsOf(away, shipper, worker),
      ...unmatched.slice(0, RULES_EXPLAINED).map(({ text }) => text),
    ],
  };
}

/** Something that is away, and why. */
interface Away {
  readonly name: string;
  readonly reason: string;
}

/** Before all of store, queue and state were reached nothing is shipped, whichever of them is missing. */
function awayParts(
  { storeDown, queueDown, stateDown: unclaimed }: ShipperStatus,
  worker: WorkerStatus | null,
  { docker, unreached }: Sight,
): Away[] {
  const stateDown = worker?.stateDown ?? unclaimed;
  const storeAway = storeDown ?? worker?.storeDown ?? null;
  const lost = [
    storeAway !== null && { name: 'store', reason: storeAway },
    queueDown !== null && { name: 'queue', reason: queueDown },
    stateDown !== null && { name: 'state', reason: stateDown },
  ].filter(part => part !== false);
  const noDocker = { name: 'Docker', reason: 'containers keep their last names, new ones have none' };
  return [...(unreached.length > 0 ? unreached : lost), ...(docker === 'away' ? [noDocker] : [])];
}

function awayText(away: readonly Away[], pending: number): string {
  const waits =
    away.some(({ name }) => name === 'store' || name === 'queue' || name === 'state') && pending > 0;
  return away
    .map(({ name }, i) => (i === 0 && waits ? `${name} (${frames(pending)} waiting)` : name))
    .join(', ');
}

function reasonsOf(away: readonly Away[], { spool }: ShipperStatus, worker: WorkerStatus | null): string[] {
  return [
    ...awayReasons(away),
    spool.fault !== null && `spool: ${spool.fault}`,
    worker !== null && worker.waitingError !== null && `notifications: last error: ${worker.waitingError}`,
  ].filter(part => part !== false);
}

const silencesText = ({ active, held }: { active: number; held: number }): string =>
  `${active === 1 ? '1 silence' : `${active} silences`}${held > 0 ? ` (${held} held)` : ''}`;

/** A line for each reason: one server may be queue and state. */
const awayReasons = (away: readonly Away[]): string[] =>
  [...Map.groupBy(away, ({ reason }) => reason)].map(
    ([reason, all]) => `${all.map(({ name }) => name).join(', ')}: ${reason}`,
  );

const rulesText = (unmatched: readonly Unmatched[]): string =>
  unmatched.length > RULES_EXPLAINED
    ? `${unmatched.length} rules`
    : unmatched.map(({ rule }) => `rule ${rule}`).join(', ');

const waitingText = ({ waiting }: WorkerStatus): string =>
  waiting === 1 ? '1 notification waits' : `${waiting} notifications wait`;

const counted = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
const frames = (n: number): string => counted(n, 'frame');

function aliveText({ containers }: Frame): string {
  const named = containers.filter(({ kind }) => kind === 'container').length;
  const own = containers.length - named;
  return named === 0
    ? `no containers; ${counted(own, 'cgroup')} of the host`
    : `${counted(named, 'container')}${own > 0 ? `, ${counted(own, 'cgroup')} of the host` : ''}`;
}

const rebuildingText = ({ host, frames: folded, at }: Progress, zone: TimeZone): string =>
  `folding the history of ${printable(host, 60)}: ${folded} frames, at ${zone.seconds(at)}`;

/**
 * What became of the last frames, and what was left undone: `pending` frames are neither stored nor queued, null where
 * none are made; `lost` of those not even on disk.
 */
export function closingLine(pending: number | null, lost: number, undone: readonly string[]): string {
  const waiting = (pending ?? 0) - lost;
  const rests = [
    pending === 0 && 'last interval stored',
    waiting > 0 && `${frames(waiting)} ${waiting === 1 ? 'waits' : 'wait'} in the spool for the next start`,
    lost > 0 && `${frames(lost)} lost`,
    ...undone,
  ].filter(part => part !== false);
  return rests.length === 0 ? 'stopped' : `stopped: ${rests.join('; ')}`;
}
