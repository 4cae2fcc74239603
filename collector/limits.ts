import { CAPS } from '../core/caps.ts';

/** Bounds of what capture keeps and makes. */
export const LIMITS = {
  /** Greatest count, or sum of bytes, in one entry of a map: more is garbage. Sums of them are exact. */
  count: 2 ** 43,
  /** Most containers in one frame; the rest is folded into `other`. */
  containers: CAPS.containers.limit,
  /** Flows of one container with rows of their own, and how long a place is kept without use. */
  flows: {
    talking: CAPS.flowRows.limit - 16 - 32,
    oneWay: 16,
    folded: 32,
    keptMs: 3_600_000,
    containers: CAPS.containers.limit,
  },
  /** Rows of TCP connections by their ends, of one frame and of one container in it. */
  connections: { frame: CAPS.connectionRows.limit, container: 64 },
  /** Longest that a frame waits for Docker to describe a container, ms. */
  identifyMs: 1000,
  /** Longest that bpftrace may take to read out the last interval and end, ms. */
  stopMs: 8000,
  /** bpftrace that has not flipped for this many intervals, and at least `silenceMs`, is started again. */
  silenceIntervals: 10,
  silenceMs: 20_000,
  /** Before its first flip it compiles and attaches: where all are busy, and others attach too, that takes its time. */
  startMs: 60_000,
  /** How often bpftrace is started at most when signals end it before its first interval. */
  starts: 5,
  /** Pauses before bpftrace or Docker's events are started again. */
  backoff: { firstMs: 250, maxMs: 30_000 },
} as const;
