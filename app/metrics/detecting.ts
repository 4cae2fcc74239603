import type { MaintenanceStatus } from '../../worker/maintenance.ts';
import type { WorkerStatus } from '../../worker/worker.ts';
import { each, one, type Row, seconds, type Watched } from './samples.ts';

/** What a worker counts. */
export function workerRows({ worker, queue, rules }: Watched): Row[] {
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
      name: 'tidegauge_rebuilding',
      help: '1 while stored history of a host is folded before it can be watched.',
      type: 'gauge',
      read: () => one(of(s => Number(s.rebuilding !== null))),
    },
    {
      name: 'tidegauge_forgotten_subjects',
      help: 'Subjects of the folded hosts that detectors forgot because there were too many.',
      type: 'gauge',
      read: () => one(of(s => s.forgotten)),
    },
    {
      name: 'tidegauge_rule_containers',
      help: 'Containers and cgroups that a rule looks at, in the newest frames of the folded hosts; 0: its `match` fits nobody.',
      type: 'gauge',
      labels: ['rule'],
      read: () => each('rule', rules()?.matches() ?? []),
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
      name: 'tidegauge_silences',
      help: 'Silences in force; only of the process that delivers.',
      type: 'gauge',
      read: () => one(of(s => s.silences?.active ?? null)),
    },
    {
      name: 'tidegauge_held_deliveries',
      help: 'Notifications that wait for the end of a silence; only of the process that delivers.',
      type: 'gauge',
      read: () => one(of(s => s.silences?.held ?? null)),
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

/** What is done for the store in the background. */
export function maintenanceRows({ maintenance }: Watched): Row[] {
  const of = (read: (status: MaintenanceStatus) => number): number | null => {
    const status = maintenance();
    return status && read(status);
  };
  return [
    {
      name: 'tidegauge_maintenance_owned',
      help: '1 in the one process that makes tiers and deletes what is too old.',
      type: 'gauge',
      read: () => one(of(s => Number(s.owned))),
    },
    {
      name: 'tidegauge_maintenance_failing',
      help: '1 when the last round failed.',
      type: 'gauge',
      read: () => one(of(s => Number(s.failing !== null))),
    },
    {
      name: 'tidegauge_tier_buckets_total',
      help: 'Buckets of the minute and hour tiers that were written.',
      type: 'counter',
      read: () => one(of(s => s.buckets)),
    },
    {
      name: 'tidegauge_expired_rows_total',
      help: 'Rows deleted because of their age; InfluxDB deletes by itself and is not counted.',
      type: 'counter',
      read: () => one(of(s => s.expired)),
    },
  ];
}
