import type { Metric } from '../../http/contract.ts';
import type { MaintenanceStatus } from '../../worker/maintenance.ts';
import type { WorkerStatus } from '../../worker/worker.ts';
import { counter, each, gauge, one, seconds, type Watched } from './samples.ts';

/** What a worker counts. */
export function workerRows({ worker, queue, rules, learning }: Watched): Metric[] {
  const of = (read: (status: WorkerStatus) => number | null): number | null => {
    const status = worker();
    return status && read(status);
  };
  return [
    gauge('tidegauge_lanes_owned', 'Lanes whose frames this process folds.', () => one(of(s => s.lanes))),
    gauge('tidegauge_hosts', 'Hosts whose frames this process folds.', () => one(of(s => s.hosts))),
    counter('tidegauge_folded_frames_total', 'Frames that detectors have judged.', () =>
      one(of(s => s.frames)),
    ),
    counter('tidegauge_failed_frames_total', 'Frames on which a detector failed; they were skipped.', () =>
      one(of(s => s.failedFrames)),
    ),
    counter(
      'tidegauge_refused_rows_total',
      'Detections, expected ranges and annotations that the store refused for good.',
      () => one(of(s => s.refusedRows)),
    ),
    gauge(
      'tidegauge_fold_lag_seconds',
      'From the end of a frame to its alerts being committed to the state, of the host that is furthest behind.',
      () => seconds(of(s => s.lagMs)),
    ),
    gauge(
      'tidegauge_rebuilding',
      '1 while stored history of a host is folded before it can be watched.',
      () => one(of(s => Number(s.rebuilding !== null))),
    ),
    gauge(
      'tidegauge_waiting_hosts',
      'Hosts that are not judged: their frames wait for history that is not in the store yet.',
      () => one(of(s => s.waitingHosts.length)),
    ),
    gauge(
      'tidegauge_unwritten_hosts',
      'Hosts whose incidents are reported while detections, expected ranges and annotations of them wait for the store.',
      () => one(of(s => s.unwritten)),
    ),
    gauge(
      'tidegauge_forgotten_subjects',
      'Subjects of the folded hosts that detectors forgot because there were too many.',
      () => one(of(s => s.forgotten)),
    ),
    gauge(
      'tidegauge_rule_containers',
      'Containers and cgroups that a rule looks at, in the newest frames of the folded hosts; 0: its `match` fits nobody.',
      () => each('rule', rules()?.matches() ?? []),
      ['rule'],
    ),
    gauge(
      'tidegauge_learning_subjects',
      'Series, containers, services and hosts of the newest frames that a rule is still learning, and does not judge yet.',
      () => each('rule', learning()?.counts(rules()?.names ?? []) ?? []),
      ['rule'],
    ),
    gauge(
      'tidegauge_learning_until_timestamp_seconds',
      'When the last of them will be judged, Unix time; absent while none is learned.',
      () => seconds(learning()?.until()),
    ),
    gauge('tidegauge_open_incidents', 'Incidents of the folded hosts that are firing.', () =>
      one(of(s => s.openIncidents)),
    ),
    counter(
      'tidegauge_deliveries_total',
      'Attempts at notifications by outcome; `retried` will be tried again, `dead` will not.',
      () => {
        const status = worker();
        if (!status) return [];
        const { delivered, failed, dead } = status;
        return each('outcome', Object.entries({ delivered, retried: failed, dead }));
      },
      ['outcome'],
    ),
    gauge('tidegauge_silences', 'Silences in force; only of the process that delivers.', () =>
      one(of(s => s.silences?.active ?? null)),
    ),
    gauge(
      'tidegauge_held_deliveries',
      'Notifications that wait for the end of a silence; only of the process that delivers.',
      () => one(of(s => s.silences?.held ?? null)),
    ),
    gauge('tidegauge_state_up', '1 while the state can be reached.', () =>
      one(of(s => Number(s.stateDown === null))),
    ),
    gauge(
      'tidegauge_queue_depth_frames',
      'Frames that wait on all lanes; absent while the queue is away.',
      () => queue.depth().then(one, () => []),
    ),
  ];
}

/** What is done for the store in the background. */
export function maintenanceRows({ maintenance }: Watched): Metric[] {
  const of = (read: (status: MaintenanceStatus) => number): number | null => {
    const status = maintenance();
    return status && read(status);
  };
  return [
    gauge(
      'tidegauge_maintenance_owned',
      '1 in the one process that makes tiers and deletes what is too old.',
      () => one(of(s => Number(s.owned))),
    ),
    gauge('tidegauge_maintenance_failing', '1 when the last round failed.', () =>
      one(of(s => Number(s.failing !== null))),
    ),
    counter('tidegauge_tier_buckets_total', 'Buckets of the minute and hour tiers that were written.', () =>
      one(of(s => s.buckets)),
    ),
    counter(
      'tidegauge_expired_rows_total',
      'Rows deleted because of their age; InfluxDB deletes by itself and is not counted.',
      () => one(of(s => s.expired)),
    ),
  ];
}
