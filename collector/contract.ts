import type { MapSet } from '../bpf/contract.ts';
import type { ConnectionKind } from '../core/traffic/connection.ts';
import type { Protocol } from '../core/traffic/flow.ts';
import type { Direction } from '../core/traffic/frame.ts';
import type { Labels } from '../core/traffic/labels.ts';
import type { TrafficColumns } from './decode/columns.ts';
import type { FlowColumns } from './decode/flow-columns.ts';

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
  /** `more`: the interval goes on with another readout. */
  | { readonly kind: 'end' | 'more'; readonly ns: number }
  | Counts
  /** All messages of a set, counted a second time. */
  | { readonly kind: 'total'; readonly set: MapSet; readonly messages: number }
  | {
      readonly kind: 'birth' | 'death';
      readonly ns: number;
      readonly cgroup: CgroupId;
      readonly path: string;
      readonly cut: boolean;
    }
  | { readonly kind: 'lost'; readonly events: number }
  | { readonly kind: 'attached' }
  /** The probes are detached: the next readout is of an interval that was cut short. */
  | { readonly kind: 'detach' }
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
  /** By cgroup; some maps know only bytes, some only messages, some neither. */
  readonly traffic: TrafficColumns | null;
  /** The same traffic by peer and port; `rows` are those of `traffic`. */
  readonly flows: FlowColumns | null;
  readonly ends: readonly EndCount[];
  readonly clients: readonly ClientPort[];
  readonly connections: readonly ConnectionCount[];
}

/** TCP connections of a cgroup's sockets, count > 0. */
export interface ConnectionCount {
  readonly cgroup: CgroupId;
  readonly kind: ConnectionKind;
  readonly count: number;
}

/** The same by their ends; the sum is less when that map was full. */
export interface EndCount extends ConnectionCount, Ends {}

/** The client's port of one TCP connection between these ends; absent for ends when the map was full. */
export interface ClientPort extends Ends {
  readonly cgroup: CgroupId;
  readonly kind: ConnectionKind;
  readonly clientPort: number;
}

/** Ends of TCP connections. */
export interface Ends {
  /** The server's. */
  readonly port: number;
  /** Inode of the socket's network namespace. */
  readonly netns: number;
  readonly own: string | null;
  readonly peer: string | null;
}

/** A network namespace as seen from a process in it. */
export interface NetworkNamespace {
  /** Its inode. */
  readonly netns: number;
  /** Its own addresses, without loopback. */
  readonly addresses: readonly string[];
}

/** Where a container is reached, as Docker says. */
export interface Endpoints {
  /** The container's id, 64 hex digits. */
  readonly id: string;
  /** Its networks by their ids, each with its own addresses there. */
  readonly networks: readonly { readonly network: string; readonly addresses: readonly string[] }[];
  readonly published: readonly PublishedPort[];
}

/** A port of the host that leads to a port of a container. */
export interface PublishedPort {
  readonly protocol: Protocol;
  /** The host's address; null: all of them. */
  readonly address: string | null;
  /** The host's port. */
  readonly port: number;
  /** The container's port. */
  readonly target: number;
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
  /** Those of the configured keys; absent: none. */
  readonly labels?: Labels;
}

/** The clocks at the moment at which a line was read, milliseconds. Only their difference matters. */
export interface ClockReading {
  /** Wall time, epoch. */
  readonly wall: number;
  /** Time since boot, suspend included. */
  readonly boot: number;
}

/** Everything that frames are made of, in order of arrival. A recording is a list of these. */
export type Input =
  | ({ readonly kind: 'line'; readonly text: string } & ClockReading)
  /** A line longer than the cap was skipped. */
  | ({ readonly kind: 'oversize' } & ClockReading)
  /** bpftrace ended; what follows is from a new one. */
  | ({ readonly kind: 'ended'; readonly reason: string } & ClockReading)
  /** All cgroups that existed at `boot` (ms since boot) or a little later. */
  | {
      readonly kind: 'scanned';
      readonly boot: number;
      readonly cgroups: readonly (readonly [CgroupId, string])[];
    }
  /** The network namespace that a cgroup's processes are in; null: the host's own. */
  | { readonly kind: 'networked'; readonly cgroup: CgroupId | null; readonly network: NetworkNamespace }
  /** The full path of a cgroup whose path had been cut. */
  | { readonly kind: 'located'; readonly cgroup: CgroupId; readonly path: string }
  | { readonly kind: 'described'; readonly description: Description }
  /** Where a container is reached; replaces what was known. Heard at `boot` (ms since boot). */
  | { readonly kind: 'reached'; readonly boot: number; readonly endpoints: Endpoints }
  /** Docker has removed the container; heard at `boot` (ms since boot). */
  | { readonly kind: 'forgotten'; readonly boot: number; readonly id: string }
  /** A container has ended, as Docker says; heard at `boot` (ms since boot). */
  | {
      readonly kind: 'exited';
      readonly boot: number;
      readonly id: string;
      readonly code: number;
      readonly oom: boolean;
    };
