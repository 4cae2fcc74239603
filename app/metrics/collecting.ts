import type { CaptureStatus } from '../../collector/capture/capture.ts';
import type { FrameStats } from '../../collector/frames/frame-stats.ts';
import type { ShipperStatus } from '../../collector/ship/contract.ts';
import type { Metric } from '../../http/contract.ts';
import { counter, each, gauge, one, seconds, type Watched } from './samples.ts';

/** What a collector counts. */
export function captureRows({ collector }: Watched): Metric[] {
  const stats = <T>(read: (stats: FrameStats) => T): T | undefined => {
    const running = collector();
    return running ? read(running.stats) : undefined;
  };
  const status = <T>(read: (status: CaptureStatus) => T): T | undefined => {
    const running = collector();
    return running ? read(running.capture.status()) : undefined;
  };
  return [
    counter('tidegauge_frames_total', 'Frames made, complete or not.', () => one(stats(t => t.frames))),
    counter(
      'tidegauge_faulty_frames_total',
      'Frames that may not hold all that happened, by fault; one frame may have several.',
      () => each('fault', stats(t => t.faults) ?? []),
      ['fault'],
    ),
    counter(
      'tidegauge_windows_total',
      'Windows (one container, one direction, one interval) with traffic.',
      () => each('direction', stats(t => t.windows) ?? []),
      ['direction'],
    ),
    counter('tidegauge_lost_events_total', 'Events that bpftrace is known to have lost.', () =>
      one(status(s => s.counters.lost)),
    ),
    counter('tidegauge_garbage_lines_total', 'Lines of bpftrace that could not be parsed.', () =>
      one(status(s => s.counters.garbage)),
    ),
    counter(
      'tidegauge_merged_intervals_total',
      'Intervals that went into the frame before, because bpftrace was late: it is longer, nothing is lost.',
      () => one(status(s => s.counters.merged)),
    ),
    gauge(
      'tidegauge_clock_ahead_seconds',
      'How far frames are ahead of a wall clock that was set back, until the clock catches up.',
      () => seconds(status(s => s.aheadMs)),
    ),
    counter('tidegauge_bpftrace_restarts_total', 'How often bpftrace ended and was started again.', () =>
      one(status(s => s.counters.restarts)),
    ),
    gauge(
      'tidegauge_map_occupancy_ratio',
      'Fullest map in the kernel at the last readout; at 1 events are dropped.',
      () => one(stats(t => t.newest?.occupancy)),
    ),
    gauge('tidegauge_containers', 'Containers and cgroups alive in the newest frame.', () =>
      one(stats(t => t.newest?.containers)),
    ),
    gauge(
      'tidegauge_aggregated_containers',
      'Containers and cgroups of the newest frame that are aggregated as `other`, because there are too many.',
      () => one(status(s => s.counters.aggregatedContainers)),
    ),
    gauge(
      'tidegauge_aggregated_flows',
      'Flows of the newest frame that are aggregated by peer or as `other`, because their containers have too many.',
      () => one(status(s => s.counters.aggregatedFlows)),
    ),
    gauge(
      'tidegauge_aggregated_connections',
      'TCP connections of the newest frame that are aggregated in rows without addresses, because there are too many.',
      () => one(status(s => s.counters.aggregatedConnections)),
    ),
    gauge(
      'tidegauge_peer_table_entries',
      'Entries of the fullest table of addresses and ports, by which peers of flows are resolved.',
      () => one(status(s => s.counters.peerTableEntries)),
    ),
    gauge('tidegauge_newest_frame_timestamp_seconds', 'End of the newest frame, Unix time.', () =>
      seconds(stats(t => t.newest?.end)),
    ),
    gauge(
      'tidegauge_docker_connected',
      '1 while Docker tells of containers, by its events or by lists; absent when capture.docker is off.',
      () => one(status(s => (s.docker === null ? null : Number(s.docker)))),
    ),
  ];
}

/** How frames get to the store and the queue. */
export function shipRows({ collector, clock }: Watched): Metric[] {
  const status = <T>(read: (status: ShipperStatus) => T): T | undefined => {
    const running = collector();
    return running ? read(running.shipper.status()) : undefined;
  };
  return [
    gauge(
      'tidegauge_pending_frames',
      'Frames that wait for the store or, stored already, for the queue.',
      () => one(status(s => s.pending)),
    ),
    gauge(
      'tidegauge_pending_bytes',
      'Size of these frames as JSON text; bounded by capture.spool.size.',
      () => one(status(s => s.pendingBytes)),
    ),
    gauge('tidegauge_pending_age_seconds', 'Age of the oldest frame that waits; 0 when none does.', () =>
      seconds(status(s => (s.oldest === null ? 0 : Math.max(0, clock.now() - s.oldest)))),
    ),
    gauge('tidegauge_spool_bytes', 'Size of the spool on disk.', () => one(status(s => s.spool.diskBytes))),
    gauge(
      'tidegauge_spool_unwritten_frames',
      'Frames that wait in memory only, because the disk does not take them.',
      () => one(status(s => s.spool.unwritten)),
    ),
    counter(
      'tidegauge_spool_damaged_total',
      'Damaged records in the spool: lost frames and torn tails.',
      () => one(status(s => s.spool.damaged)),
    ),
    gauge('tidegauge_spool_recovered_frames', 'Frames that an earlier process left in the spool.', () =>
      one(status(s => s.spool.recovered)),
    ),
    counter(
      'tidegauge_shipped_frames_total',
      'Frames that the store has acknowledged, and frames that the queue has taken.',
      () => status(s => each('to', Object.entries({ store: s.stored, queue: s.queued }))) ?? [],
      ['to'],
    ),
    counter(
      'tidegauge_dropped_frames_total',
      'Frames that are lost: `bound`: too many waited for the store; `refused`: the store refused them for good.',
      () => status(s => each('reason', Object.entries({ bound: s.dropped, refused: s.refused }))) ?? [],
      ['reason'],
    ),
    counter(
      'tidegauge_unqueued_frames_total',
      'Frames that were stored but never queued: workers read them from the store.',
      () => one(status(s => s.skipped)),
    ),
    gauge(
      'tidegauge_part_up',
      '1 while the last exchange with this part succeeded.',
      () =>
        status(s => [
          { labels: { part: 'store' }, value: Number(s.storeDown === null) },
          { labels: { part: 'queue' }, value: Number(s.queueDown === null) },
          { labels: { part: 'spool' }, value: Number(s.spool.fault === null) },
        ]) ?? [],
      ['part'],
    ),
  ];
}
