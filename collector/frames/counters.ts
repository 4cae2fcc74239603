/** What a frame builder counts: since its start, unless it says otherwise. */
export interface Counters {
  frames: number;
  /** Lines that were not understood, and why the last one was not. */
  garbage: number;
  lastGarbage: string | null;
  /** Intervals that went into the frame of the one before, because bpftrace was late. */
  merged: number;
  /** Lines that said what had been said. */
  duplicates: number;
  lost: number;
  /** Ends of bpftrace. */
  restarts: number;
  /** Members of the last frame that were folded into `other`. */
  folded: number;
  /** Flows of the last frame that were added to other rows. */
  aggregatedFlows: number;
  /** TCP connections of the last frame that were folded into rows without addresses. */
  aggregatedConnections: number;
  /** Entries of the fullest table of who is reached where. */
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
  folded: 0,
  aggregatedFlows: 0,
  aggregatedConnections: 0,
  peerTableEntries: 0,
});
