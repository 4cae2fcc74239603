import type { CaptureStatus } from '../collector/capture.ts';
import type { ShipperStatus } from '../collector/ship.ts';
import type { FrameTally } from '../collector/tally.ts';
import type { Clock } from '../core/clock.ts';
import type { Check, Metric, Sample } from '../http/contract.ts';
import type { Queue } from '../queue/contract.ts';
import type { WorkerStatus } from '../worker/worker.ts';
import type { Collector } from './collector.ts';
import { VERSION } from './version.ts';

/** What this process runs; a role that has not started (yet) or that it does not play is null. */
export interface Watched {
  readonly collector: () => Collector | null;
  readonly worker: () => WorkerStatus | null;
  readonly queue: Pick<Queue, 'depth'>;
  readonly clock: Clock;
}

type Row = Omit<Metric, 'labels'> & { readonly labels?: readonly string[] };

const one = (value: number | null | undefined): Sample[] =>
  value === null || value === undefined ? [] : [{ value }];

const each = <K extends string>(label: string, values: Iterable<readonly [K, number]>): Sample[] =>
  [...values].map(([name, value]) => ({ labels: { [label]: name }, value }));

const seconds = (ms: number | null | undefined): Sample[] => one(typeof ms === 'number' ? ms / 1000 : ms);

/** Every metric that is read from a status: one row each. docs/metrics.md is made of this table. */
export function metricsOf(watched: Watched): Metric[] {
  const rows = [
    ...captureRows(watched),
    ...shipRows(watched),
    ...workerRows(watched),
    ...processRows(watched),
  ];
  return rows.map(row => ({ labels: [], ...row }));
}

function captureRows({ collector }: Watched): Row[] {
  const tally = <T>(read: (tally: FrameTally) => T): T | undefined => {
    const running = collector();
    return running ? read(running.tally) : undefined;
  };
  const status = <T>(read: (status: CaptureStatus) => T): T | undefined => {
    const running = collector();
    return running ? read(running.capture.status()) : undefined;
  };
  return [
    {
      name: 'tidegauge_frames_total',
      help: 'Frames made, complete or not.',
      type: 'counter',
      read: () => one(tally(t => t.frames)),
    },
    {
      name: 'tidegauge_faulty_frames_total',
      help: 'Frames that may not hold all that happened, by fault; one frame may have several.',
      type: 'counter',
      labels: ['fault'],
      read: () => each('fault', tally(t => t.faults) ?? []),
    },
    {
      name: 'tidegauge_windows_total',
      help: 'Windows (one container, one direction, one interval) with traffic.',
      type: 'counter',
      labels: ['direction'],
      read: () => each('direction', tally(t => t.windows) ?? []),
    },
    {
      name: 'tidegauge_lost_events_total',
      help: 'Events that bpftrace is known to have lost.',
      type: 'counter',
      read: () => one(status(s => s.counters.lost)),
    },
    {
      name: 'tidegauge_garbage_lines_total',
      help: 'Lines of bpftrace that could not be understood.',
      type: 'counter',
      read: () => one(status(s => s.counters.garbage)),
    },
    {
      name: 'tidegauge_bpftrace_restarts_total',
      help: 'Ends of bpftrace after which it was started again.',
      type: 'counter',
      read: () => one(status(s => s.counters.restarts)),
    },
    {
      name: 'tidegauge_map_occupancy_ratio',
      help: 'Fullest map in the kernel at the last readout; at 1 events are dropped.',
      type: 'gauge',
      read: () => one(tally(t => t.newest?.occupancy)),
    },
    {
      name: 'tidegauge_containers',
      help: 'Containers and cgroups alive in the newest frame.',
      type: 'gauge',
      read: () => one(tally(t => t.newest?.containers)),
    },
    {
      name: 'tidegauge_folded_containers',
      help: 'Members of the newest frame that went into `other`, because there are too many.',
      type: 'gauge',
      read: () => one(status(s => s.counters.folded)),
    },
    {
      name: 'tidegauge_newest_frame_timestamp_seconds',
      help: 'End of the newest frame, Unix time.',
      type: 'gauge',
      read: () => seconds(tally(t => t.newest?.end)),
    },
    {
      name: 'tidegauge_docker_connected',
      help: "1 while Docker's events are being received; absent when capture.docker is off.",
      type: 'gauge',
      read: () => one(status(s => (s.docker === null ? null : Number(s.docker)))),
    },
  ];
}

function shipRows({ collector, clock }: Watched): Row[] {
  const status = <T>(read: (status: ShipperStatus) => T): T | undefined => {
    const running = collector();
    return running ? read(running.shipper.status()) : undefined;
  };
  return [
    {
      name: 'tidegauge_pending_frames',
      help: 'Frames that wait for the store or, stored already, for the queue.',
      type: 'gauge',
      read: () => one(status(s => s.pending)),
    },
    {
      name: 'tidegauge_pending_bytes',
      help: 'What these frames take up; bounded by capture.pending.',
      type: 'gauge',
      read: () => one(status(s => s.pendingBytes)),
    },
    {
      name: 'tidegauge_pending_age_seconds',
      help: 'While frames wait: time since the start of the newest frame that is stored; else 0.',
      type: 'gauge',
      read: () =>
        seconds(
          status(s => (s.pending === 0 ? 0 : s.lastStored === null ? null : clock.now() - s.lastStored)),
        ),
    },
    {
      name: 'tidegauge_shipped_frames_total',
      help: 'Frames that the store has acknowledged, and frames that the queue has taken.',
      type: 'counter',
      labels: ['to'],
      read: () => status(s => each('to', Object.entries({ store: s.stored, queue: s.queued }))) ?? [],
    },
    {
      name: 'tidegauge_dropped_frames_total',
      help: 'Frames that are lost: `bound`: too many waited for the store; `refused`: the store refused them for good.',
      type: 'counter',
      labels: ['reason'],
      read: () => status(s => each('reason', Object.entries({ bound: s.dropped, refused: s.refused }))) ?? [],
    },
    {
      name: 'tidegauge_unqueued_frames_total',
      help: 'Frames that were stored but never queued: workers read them from the store.',
      type: 'counter',
      read: () => one(status(s => s.skipped)),
    },
    {
      name: 'tidegauge_part_up',
      help: '1 while the last exchange with this part succeeded.',
      type: 'gauge',
      labels: ['part'],
      read: () =>
        status(s => [
          { labels: { part: 'store' }, value: Number(s.storeDown === null) },
          { labels: { part: 'queue' }, value: Number(s.queueDown === null) },
        ]) ?? [],
    },
  ];
}

function workerRows({ worker, queue }: Watched): Row[] {
  const of = (read: (status: WorkerStatus) => number | null): number | null => {
    const status = worker();
    return status && read(status);
  };
  return [
    {
      name: 'tidegauge_lanes_owned',
      help: 'Lanes whose frames this process folds.',
      type: 'gauge',
      read: () => one(of(s => s.lanes)),
    },
    {
      name: 'tidegauge_hosts',
      help: 'Hosts whose frames this process folds.',
      type: 'gauge',
      read: () => one(of(s => s.hosts)),
    },
    {
      name: 'tidegauge_folded_frames_total',
      help: 'Frames that detectors have judged.',
      type: 'counter',
      read: () => one(of(s => s.frames)),
    },
    {
      name: 'tidegauge_failed_frames_total',
      help: 'Frames on which a detector failed; they were skipped.',
      type: 'counter',
      read: () => one(of(s => s.failedFrames)),
    },
    {
      name: 'tidegauge_refused_rows_total',
      help: 'Detections and annotations that the store refused for good.',
      type: 'counter',
      read: () => one(of(s => s.refusedRows)),
    },
    {
      name: 'tidegauge_fold_lag_seconds',
      help: 'From the end of a frame to its alerts being stored, of the host that is furthest behind.',
      type: 'gauge',
      read: () => seconds(of(s => s.lagMs)),
    },
    {
      name: 'tidegauge_open_incidents',
      help: 'Incidents of the folded hosts that are firing.',
      type: 'gauge',
      read: () => one(of(s => s.openIncidents)),
    },
    {
      name: 'tidegauge_deliveries_total',
      help: 'Attempts at notifications by outcome; `retried` will be tried again, `dead` will not.',
      type: 'counter',
      labels: ['outcome'],
      read() {
        const status = worker();
        if (!status) return [];
        const { delivered, failed, dead } = status;
        return each('outcome', Object.entries({ delivered, retried: failed, dead }));
      },
    },
    {
      name: 'tidegauge_state_up',
      help: '1 while the state can be reached.',
      type: 'gauge',
      read: () => one(of(s => Number(s.stateDown === null))),
    },
    {
      name: 'tidegauge_queue_depth_frames',
      help: 'Frames that wait on all lanes; absent while the queue is away.',
      type: 'gauge',
      read: () => queue.depth().then(one, () => []),
    },
  ];
}

function processRows(_: Watched): Row[] {
  return [
    {
      name: 'tidegauge_build_info',
      help: 'Always 1; the version is a label.',
      type: 'gauge',
      labels: ['version'],
      read: () => [{ labels: { version: VERSION }, value: 1 }],
    },
    {
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of this process.',
      type: 'gauge',
      read: () => one(process.memoryUsage.rss()),
    },
    {
      name: 'process_cpu_seconds_total',
      help: 'User and system CPU time of this process.',
      type: 'counter',
      read() {
        const { user, system } = process.cpuUsage();
        return one((user + system) / 1e6);
      },
    },
  ];
}

/** Without a frame for this many intervals, and at least this long, capture is not ready. */
const SILENT_INTERVALS = 4;
const SILENT_MS = 5000;

/** What `/readyz` asks, for the roles that this process plays. */
export function checksOf(
  watched: Watched,
  roles: { readonly collect: boolean; readonly detect: boolean; readonly intervalMs: number },
): Check[] {
  const { collector, worker, clock } = watched;
  const shipper = (): ShipperStatus | undefined => collector()?.shipper.status();
  const silentMs = Math.max(roles.intervalMs * SILENT_INTERVALS, SILENT_MS);
  const captureFailing = () => {
    const newest = collector()?.tally.newest;
    if (!newest) return 'no frame yet';
    const age = clock.now() - newest.end;
    return age > silentMs ? `no frame for ${Math.round(age / 1000)} s` : null;
  };
  return [
    ...(roles.collect
      ? [
          { name: 'capture', failing: captureFailing },
          { name: 'store', failing: () => shipper()?.storeDown ?? null },
          { name: 'queue', failing: () => shipper()?.queueDown ?? null },
        ]
      : []),
    ...(roles.detect
      ? [
          {
            name: 'state',
            failing: () => {
              const status = worker();
              return status ? status.stateDown : 'starting';
            },
          },
        ]
      : []),
  ];
}
