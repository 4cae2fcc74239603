/** A bound of something that would otherwise grow with what is watched, or with how long something is away. */
export interface Cap {
  /** What is bounded. */
  readonly what: string;
  readonly limit: number;
  /** What happens beyond it. */
  readonly beyond: string;
  /** The metric, or where else it shows. */
  readonly shows: string;
}

/**
 * Every queue, cache and map that is bounded by a number of ours: the modules take their limits from here. Bounds that
 * an administrator sets are in the configuration; docs/metrics.md lists both.
 */
export const CAPS = {
  containers: {
    what: 'Containers and cgroups in one frame.',
    limit: 10_000,
    beyond: 'cgroups that are no containers, then the newest, are aggregated as `other`',
    shows: 'tidegauge_aggregated_containers',
  },
  flowRows: {
    what: 'Flows of one container with rows of their own, in one frame, or one minute or hour of the tiers.',
    limit: 176,
    beyond:
      'the lightest are aggregated by peer, then as `other`; those that nobody answers get 16; in the tiers those that fail least, then the lightest, as `other`',
    shows: 'tidegauge_aggregated_flows',
  },
  connectionRows: {
    what: 'Rows of TCP connections by their ends in one frame, at most 64 of one container.',
    limit: 8192,
    beyond: 'those with the lowest counts are aggregated in one row without addresses per container and kind',
    shows: 'tidegauge_aggregated_connections',
  },
  peerTableEntries: {
    what: 'Entries of each table of addresses and ports, by which peers are resolved.',
    limit: 65_536,
    beyond:
      'the least recently seen are forgotten: their peers are shown as addresses until they are seen again',
    shows: 'tidegauge_peer_table_entries',
  },
  waitingFrames: {
    what: 'Frames that wait for store or queue, whatever their size.',
    limit: 200_000,
    beyond: 'the oldest are given up: first those that are stored already',
    shows: 'tidegauge_pending_frames, tidegauge_dropped_frames_total',
  },
  spoolCacheBytes: {
    what: 'Bytes of waiting frames, but for the newest and the next one, that are kept in memory besides the disk.',
    limit: 8 * 1024 * 1024,
    beyond: 'they are read from the disk when it is their turn',
    shows: 'tidegauge_pending_bytes',
  },
  inlineEntries: {
    what: 'Entries (frames, containers, windows, flows, connections) of one lane of the queue in the process.',
    limit: 250_000,
    beyond: 'the oldest frames leave; the worker reads them from the store',
    shows: 'tidegauge_queue_depth_frames',
  },
  queuedFrames: {
    what: 'Frames of one lane of the queue in Redis.',
    limit: 2000,
    beyond: 'the oldest leave; a worker reads them from the store',
    shows: 'tidegauge_queue_depth_frames',
  },
  subjects: {
    what: 'Containers, services or hosts of one host that detectors remember; forgotten after a week unseen.',
    limit: 10_000,
    beyond: 'those not seen for longest are forgotten and learned anew, never those of the current frame',
    shows: 'tidegauge_forgotten_subjects',
  },
  checkpointBytes: {
    what: 'Bytes of a packed checkpoint of one host when it is unpacked: 10 KiB for each container.',
    limit: 256 * 1024 * 1024,
    beyond: 'it is not continued, and the stored frames are folded again',
    shows: 'tidegauge_rebuilding',
  },
  openIncidents: {
    what: 'Incidents of one host that are open at once.',
    limit: 10_000,
    beyond: 'no further one is opened until one is over',
    shows: 'tidegauge_open_incidents',
  },
  incidentMembers: {
    what: 'Containers that one incident brings together.',
    limit: 1000,
    beyond: 'further ones have incidents of their own',
    shows: 'tidegauge_open_incidents',
  },
  pastSubjects: {
    what: 'Containers, services or hosts of one host whose last incidents are remembered: 12 of each, for 31 days.',
    limit: 10_000,
    beyond: 'those whose last incident is the oldest are forgotten',
    shows: 'process_resident_memory_bytes',
  },
  failedDeliveries: {
    what: 'Deliveries that failed here and wait for another attempt, whose keys and outcomes a process remembers.',
    limit: 1000,
    beyond: 'further ones are tried again as well, but not counted in the status line',
    shows: 'tidegauge_deliveries_total{outcome="retried"}',
  },
  groupedDeliveries: {
    what: 'Incidents that one message tells.',
    limit: 1000,
    beyond: 'further ones are told in another message',
    shows: 'tidegauge_deliveries_total',
  },
  silences: {
    what: 'Silences that have not ended.',
    limit: 1000,
    beyond: 'a further one is refused',
    shows: 'tidegauge_silences',
  },
  acks: {
    what: 'Acknowledgements of incidents that are kept, as long as the incidents.',
    limit: 5000,
    beyond: 'a further one is refused',
    shows: 'process_resident_memory_bytes',
  },
  marks: {
    what: 'Marks of incidents that are kept, for a year and a month.',
    limit: 5000,
    beyond: 'a further one is refused',
    shows: 'process_resident_memory_bytes',
  },
  storeNames: {
    what: 'Hosts, series and containers (each) that a store remembers from row to row.',
    limit: 50_000,
    beyond: 'all are forgotten and looked up again',
    shows: 'process_resident_memory_bytes',
  },
  answerBytes: {
    what: 'Bytes of one answer of InfluxDB.',
    limit: 256 * 1024 * 1024,
    beyond: 'the answer is not read, and each half of its time is asked for by itself',
    shows: 'process_resident_memory_bytes',
  },
} as const satisfies Record<string, Cap>;
