import type { Direction } from '../core/frame.ts';

/** Two sets of maps are written in turn. */
export const SETS = ['a', 'b'] as const;
export type MapSet = (typeof SETS)[number];

/** What one map of a probe holds, keyed by cgroup id. */
export interface MapMeaning {
  /** `sizes`: an lhist() of message sizes within SIZE_SCHEME's bounds. `bytes`: the sum of the sizes. */
  readonly holds: 'sizes' | 'bytes';
  readonly set: MapSet;
  readonly direction: Direction;
}

export interface ProbeParameters {
  /** Length of an interval, integer milliseconds, 200 to 60,000. */
  readonly intervalMs: number;
  /** Capacity of each map in entries (the caller passes it to bpftrace as well), integer >= 1. */
  readonly mapKeys: number;
}

/**
 * A probe: NAME.bt, NAME.ts and one row in index.ts. What every probe prints, besides its maps:
 *
 * - `begin NS NAME INTERVAL_MS MAP_KEYS` once, when it starts;
 * - `flip NS SET`, the maps of SET, `end NS` with the same NS: one readout. NS is when SET was left;
 * - `mkdir NS ID PATH` and `rmdir NS ID PATH` of each cgroup v2.
 *
 * NS is the kernel's time since boot, suspend included, in nanoseconds.
 */
export interface Probe {
  /** What `capture.probe` in the configuration names. */
  readonly name: string;
  readonly summary: string;
  readonly hook: 'tracepoint';
  /** Tracepoints that it attaches to, `category/name`. */
  readonly tracepoints: readonly string[];
  /** Oldest kernel that has them. */
  readonly kernel: string;
  /** Cost of one counted event, as a multiple of the cheapest probe that records anything (`@x = 1`). */
  readonly cost: number;
  /** Meaning of each map, by its name with the `@`. */
  readonly maps: ReadonlyMap<string, MapMeaning>;
  /** Maps for the probe's own use; bpftrace may print them at its exit. */
  readonly internal: readonly string[];
  /** Program text. Throws a RangeError for a parameter that is no non-negative integer. */
  render(parameters: ProbeParameters): string;
}
