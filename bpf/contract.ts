import type { Direction } from '../core/traffic/frame.ts';
import type { HookName, Kernel, SupplementName } from './hooks.ts';
import type { BpftraceVersion } from './quirks.ts';

/** Two sets of maps are written in turn. */
export const SETS = ['a', 'b'] as const;
export type MapSet = (typeof SETS)[number];

/** What one map of a probe holds, keyed by cgroup id first. */
export interface MapMeaning {
  /**
   * `packed`: messages and bytes by bucket (packing.ts). `sizes`: an lhist() of message sizes within SIZE_SCHEME's
   * bounds. `bytes`: the sum of the sizes. `flows`: messages and bytes by bucket, peer and port. `ends`: TCP
   * connections by their ends; `clients`: the client's port of the latest of them; `connections`: how many, without ends.
   */
  readonly holds: 'packed' | 'sizes' | 'bytes' | 'flows' | 'ends' | 'clients' | 'connections';
  readonly set: MapSet;
  /** Of messages; of connections it says nothing. */
  readonly direction: Direction;
}

export interface ProbeParameters {
  /** Length of an interval, integer milliseconds, 200 to 60,000. */
  readonly intervalMs: number;
  /** Capacity of each map in entries (the caller passes it to bpftrace as well), integer >= 1. */
  readonly mapKeys: number;
  readonly hook: HookName;
  /** Programs beside the hook's own, of this hook. */
  readonly supplements: readonly SupplementName[];
  /** Kernel that it will run on. */
  readonly kernel: Kernel;
  /** `exact`: all messages of a set are counted a second time, in a scalar `@events_SET` that cannot be full. */
  readonly account: 'fast' | 'exact';
  /** Version of bpftrace, as some need workarounds (quirks.ts); null when it is not known. */
  readonly bpftrace: BpftraceVersion | null;
}

/**
 * A probe: NAME.bt, NAME.ts and one row in index.ts. What every probe prints, besides its maps:
 *
 * - `begin NS NAME INTERVAL_MS MAP_KEYS` once, when it starts;
 * - `flip NS SET`, the maps of SET, `end NS` with the same NS: one readout. NS is when SET was left. `more NS` instead
 *   of `end NS`: what follows belongs to the same interval;
 * - `mkdir NS ID PATH` and `rmdir NS ID PATH` of each cgroup v2.
 *
 * NS is the kernel's time since boot, suspend included, in nanoseconds.
 */
export interface Probe {
  /** What `capture.probe` in the configuration names. */
  readonly name: string;
  readonly summary: string;
  /** Hooks that it can use, in any order. */
  readonly hooks: readonly HookName[];
  /** Tracepoints that it needs besides those of the hook and of cgroups, `category/name`. */
  readonly tracepoints: readonly string[];
  /** Cost of one counted event with bpftrace 0.17, as a multiple of the cheapest probe that records anything (`@x = 1`). */
  readonly cost: number;
  /** Meaning of each map, by its name with the `@`. */
  readonly maps: ReadonlyMap<string, MapMeaning>;
  /** Maps for the probe's own use; bpftrace may print them at its exit. */
  readonly internal: readonly string[];
  /** Program text. Throws a RangeError for a parameter that is no non-negative integer. */
  render(parameters: ProbeParameters): string;
}
