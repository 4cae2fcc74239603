import type { CaptureStatus } from '../../collector/capture/capture.ts';
import type { FrameStats } from '../../collector/frames/frame-stats.ts';
import type { ShipperStatus } from '../../collector/ship/shipper.ts';
import { each, one, type Row, seconds, type Watched } from './samples.ts';

/** What a collector counts. */
export function captureRows({ collector }: Watched): Row[] {
  const stats = <T>(read: (stats: FrameStats) => T): T | undefined => {
    const running = collector();
    return running ? read(running.stats) : undefined;
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
      read: () => one(stats(t => t.frames)),
    },
    {
      name: 'tidegauge_faulty_frames_total',
      help: 'Frames that may not hold all that happened, by fault; one frame may have several.',
      type: 'counter',
      labels: ['fault'],
      read: () => each('fault', stats(t => t.faults) ?? []),
    },
    {
      name: 'tidegauge_windows_total',
      help: 'Windows (one container, one direction, one interval) with traffic.',
      type: 'counter',
      labels: ['direction'],
      read: () => each('direction', stats(t => t.windows) ?? []),
    },
    {
      name: 'tidegauge_lost_events_total',
      help: 'Events that bpftrace is known to have lost.',
      type: 'counter',
      read: () => one(status(s => s.counters.lost)),
    },
    {
      name: 'tidegauge_garbage_lines_total',
      help: 'Lines of bpftrace that could not be parsed.',
      type: 'counter',
      read: () => one(status(s => s.counters.garbage)),
    },
    {
      name: 'tidegauge_merged_intervals_total',
      help: 'Intervals that went into the frame before, because bpftrace was late: it is longer, nothing is lost.',
      type: 'counter',
      read: () => one(status(s => s.counters.merged)),
    },
    {
      name: 'tidegauge_clock_ahead_seconds',
      help: 'How far frames are ahead of a wall clock that was set back, until the clock catches up.',
      type: 'gauge',
      read: () => seconds(status(s => s.aheadMs)),
    },
    {
      name: 'tidegauge_bpftrace_restarts_total',
      help: 'How often bpftrace ended and was started again.',
      type: 'counter',
      read: () => one(status(s => s.counters.restarts)),
    },
    {
      name: 'tidegauge_map_occupancy_ratio',
      help: 'Fullest map in the kernel at the last readout; at 1 events are dropped.',
      type: 'gauge',
      read: () => one(stats(t => t.newest?.occupancy)),
    },
    {
      name: 'tidegauge_containers',
      help: 'Containers and cgroups alive in the newest frame.',
      type: 'gauge',
      read: () => one(stats(t => t.newest?.containers)),
    },
    {
      name: 'tidegauge_aggregated_containers',
      help: 'Containers and cgroups of the newest frame that are aggregated as `other`, because there are too many.',
      type: 'gauge',
      read: () => one(status(s => s.counters.aggregatedContainers)),
    },
    {
      name: 'tidegauge_aggregated_flows',
      help: 'Flows of the newest frame that are aggregated by peer or as `other`, because their containers have too many.',
      type: 'gauge',
      read: () => one(status(s => s.counters.aggregatedFlows)),
    },
    {
      name: 'tidegauge_aggregated_connections',
      help: 'TCP connections of the newest frame that are aggregated in rows without addresses, because there are too many.',
      type: 'gauge',
      read: () => one(status(s => s.counters.aggregatedConnections)),
    },
    {
      name: 'tidegauge_peer_table_entries',
      help: 'Entries of the fullest table of addresses and ports, by which peers of flows are resolved.',
      type: 'gauge',
      read: () => one(status(s => s.counters.peerTableEntries)),
    },
    {
      name: 'tidegauge_newest_frame_timestamp_seconds',
      help: 'End of the newest frame, Unix time.',
      type: 'gauge',
      read: () => seconds(stats(t => t.newest?.end)),
    },
    {
      name: 'tidegauge_docker_connected',
      help: "1 while Docker's events are being received; absent when capture.docker is off.",
      type: 'gauge',
      read: () => one(status(s => (s.docker === null ? null : Number(s.docker)))),
    },
  ];
}

/** How frames get to the store and the queue. */
export function shipRows({ collector, clock }: Watched): Row[] {
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
      help: 'Size of these frames as JSON text; bounded by capture.spool.size.',
      type: 'gauge',
      read: () => one(status(s => s.pendingBytes)),
    },
    {
      name: 'tidegauge_pending_age_seconds',
      help: 'Age of the oldest frame that waits; 0 when none does.',
      type: 'gauge',
      read: () => seconds(status(s => (s.oldest === null ? 0 : Math.max(0, clock.now() - s.oldest)))),
    },
    {
      name: 'tidegauge_spool_bytes',
      help: 'Size of the spool on disk.',
      type: 'gauge',
      read: () => one(status(s => s.spool.diskBytes)),
    },
    {
      name: 'tidegauge_spool_unwritten_frames',
      help: 'Frames that wait in memory only, because the disk does not take them.',
      type: 'gauge',
      read: () => one(status(s => s.spool.unwritten)),
    },
    {
      name: 'tidegauge_spool_damaged_total',
      help: 'Damaged records in the spool: lost frames and torn tails.',
      type: 'counter',
      read: () => one(status(s => s.spool.damaged)),
    },
    {
      name: 'tidegauge_spool_recovered_frames',
      help: 'Frames that an earlier process left in the spool.',
      type: 'gauge',
      read: () => one(status(s => s.spool.recovered)),
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
          { labels: { part: 'spool' }, value: Number(s.spool.fault === null) },
        ]) ?? [],
    },
  ];
}
