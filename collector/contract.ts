import type { MapSet } from '../bpf/contract.ts';
import type { Direction } from '../core/frame.ts';

/** Id of a cgroup v2: the inode of its folder, decimal. Text, because it is a 64-bit number. */
export type CgroupId = string;

/** What one line of bpftrace says, whichever probe wrote it. `ns`: kernel time since boot, suspend included. */
export type Event =
  | {
      readonly kind: 'begin';
      readonly ns: number;
      readonly probe: string;
      readonly intervalMs: number;
      readonly mapKeys: number;
    }
  | { readonly kind: 'flip'; readonly ns: number; readonly set: MapSet }
  | { readonly kind: 'end'; readonly ns: number }
  | Counts
  | {
      readonly kind: 'birth' | 'death';
      readonly ns: number;
      readonly cgroup: CgroupId;
      readonly path: string;
      readonly cut: boolean;
    }
  | { readonly kind: 'lost'; readonly events: number }
  | { readonly kind: 'attached' }
  | { readonly kind: 'garbage'; readonly reason: string };

/** All entries of one map. */
export interface Counts {
  readonly kind: 'counts';
  /** The map's name; a second line of the same map in one readout is a duplicate. */
  readonly map: string;
  readonly set: MapSet;
  readonly direction: Direction;
  /** Entries that the map has in the kernel, to be compared with its capacity. */
  readonly entries: number;
  /** Messages by lower bound of their size's bucket (of core/histogram.ts), count > 0. */
  readonly sizes: readonly { readonly cgroup: CgroupId; readonly bound: number; readonly count: number }[];
  readonly bytes: readonly { readonly cgroup: CgroupId; readonly bytes: number }[];
}

/** What Docker says of a container. Untrusted text throughout. */
export interface Description {
  /** 64 hex digits. */
  readonly id: string;
  /** Without the leading slash. */
  readonly name: string;
  readonly image: string;
  /** Compose's labels, empty where there are none. */
  readonly project: string;
  readonly service: string;
  readonly number: string;
}

/** The clocks at the moment at which a line was read, milliseconds. Only their difference matters. */
export interface Reading {
  /** Wall time, epoch. */
  readonly wall: number;
  /** Time since boot, suspend included. */
  readonly boot: number;
}

/** Everything that frames are made of, in the order in which it was learned. A recording is a list of these. */
export type Input =
  | ({ readonly kind: 'line'; readonly text: string } & Reading)
  /** A line longer than the cap was skipped. */
  | ({ readonly kind: 'oversize' } & Reading)
  /** bpftrace is gone; what follows is of a new one. */
  | ({ readonly kind: 'ended'; readonly reason: string } & Reading)
  /** All cgroups that existed at `boot` (ms since boot) or a little later. */
  | {
      readonly kind: 'scanned';
      readonly boot: number;
      readonly cgroups: readonly (readonly [CgroupId, string])[];
    }
  /** The full path of a cgroup whose path had been cut. */
  | { readonly kind: 'located'; readonly cgroup: CgroupId; readonly path: string }
  | { readonly kind: 'described'; readonly description: Description }
  /** Docker has removed the container. */
  | { readonly kind: 'forgotten'; readonly id: string };
