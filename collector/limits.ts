import { CAPS } from '../core/caps.ts';

/** Limits of the collector. */
export const LIMITS = {
  /** Greatest count, or sum of bytes, in one entry of a map: more is garbage. Sums of them are exact. */
  count: 2 ** 43,
  /** Most containers in one frame; the rest is aggregated as `other`. */
  containers: CAPS.containers.limit,
  /** Flows of one container with rows of their own, and how long a place is kept without use. */
  flows: {
    twoWay: CAPS.flowRows.limit - 16 - 32,
    oneWay: 16,
    aggregated: 32,
    keptMs: 3_600_000,
    containers: CAPS.containers.limit,
  },
  /** Rows of TCP connections by their ends, of one frame and of one container in it. */
  connections: { frame: CAPS.connectionRows.limit, container: 64 },
  /** Longest that a frame waits for Docker to describe a container, ms. */
  identifyMs: 1000,
  /** Least time between two looks at the names of pods, ms: some containers have none, and frames are not all that asks. */
  podsMs: 100,
  /** Longest that bpftrace may take to read out the last interval and end, ms. */
  stopMs: 8000,
  /** bpftrace that has not flipped for this many intervals, and at least `silenceMs`, is started again. */
  silenceIntervals: 10,
  silenceMs: 20_000,
  /** The same before the first flip: on a busy machine compiling and attaching take long. */
  startMs: 60_000,
  /** Most starts of bpftrace when signals end it before its first interval. */
  starts: 5,
  /** Pauses before bpftrace or Docker's events are started again. */
  backoff: { firstMs: 250, maxMs: 30_000 },
} as const;
