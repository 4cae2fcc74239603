/** What a frame builder counts since its start, unless noted otherwise. */
export interface Counters {
  frames: number;
  /** Lines that were not understood, and why the last one was not. */
  garbage: number;
  lastGarbage: string | null;
  /** Intervals that went into the frame of the one before, because bpftrace was late. */
  merged: number;
  /** Lines that repeat what was read already. */
  duplicates: number;
  lost: number;
  /** How often bpftrace ended and was restarted. */
  restarts: number;
  /** Members of the last frame that were aggregated as `other`. */
  aggregatedContainers: number;
  /** Flows of the last frame that were added to other rows. */
  aggregatedFlows: number;
  /** TCP connections of the last frame that were aggregated into rows without addresses. */
  aggregatedConnections: number;
  /** Entries of the fullest table of the peer resolver. */
  peerTableEntries: number;
}

/** All of them at 0. */
export const newCounters = (): Counters => ({
  frames: 0,
  garbage: 0,
  lastGarbage: null,
  merged: 0,
  duplicates: 0,
  lost: 0,
  restarts: 0,
  aggregatedContainers: 0,
  aggregatedFlows: 0,
  aggregatedConnections: 0,
  peerTableEntries: 0,
});
