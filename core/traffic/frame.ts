import { z } from 'zod';
import { compareText } from '../compare.ts';
import { TidegaugeError } from '../errors.ts';
import type { Interval } from '../interval.ts';
import { type ConnectionRow, connectionSchema } from './connection.ts';
import { type Flow, flowSchema } from './flow.ts';
import { countOf, isSizes, type Sizes } from './histogram.ts';
import { type Labels, labelsSchema } from './labels.ts';

export { compareText };

export const DIRECTIONS = ['send', 'receive'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/**
 * `container`: of a container runtime. `cgroup`: a service, slice or the root of the host, named by its path.
 * `other`: everything that nobody could name, aggregated per host.
 */
export type ContainerKind = 'container' | 'cgroup' | 'other';

/** Who made the traffic. Names are untrusted text of any characters. */
export interface Container {
  /** Unique in a frame: the container's name, a cgroup's path, `docker:<12 hex>` (`isNameless`), or `other`. */
  readonly name: string;
  readonly kind: ContainerKind;
  /** Compose `project/service`, of a pod `namespace/owner/container`, else the image without tag, else the name. */
  readonly service: string;
  /** Which of the service's replicas: Compose's container number, a StatefulSet's ordinal, else the name. A baseline is keyed by service and replica. */
  readonly replica: string;
  /** Image with tag; empty for what is no container. */
  readonly image: string;
  /** The runtime's id; empty for what is no container. */
  readonly id: string;
  /** Its Docker labels, those of configured keys (`labelKeys`); absent: none of them. */
  readonly labels?: Labels;
}

/** Name of the cgroup that holds what is in no other one: the host as it talks itself. */
export const ROOT_CGROUP = '/';

/** The beginning of a container's id, as its nameless name shows it. */
export const shortId = (id: string): string => id.slice(0, 12);

/** A container that no runtime has named (yet): its runtime and the beginning of its id stand for the name. */
export const isNameless = ({ name }: Pick<Container, 'name'>): boolean => /^[a-z]+:[0-9a-f]{12}$/.test(name);

/** One interval of one container's traffic in one direction. Born once, in the collector; never changes. */
export interface Window {
  readonly container: string;
  readonly direction: Direction;
  /** Sends or receives counted, an integer > 0. */
  readonly messages: number;
  /** Their bytes, an integer >= 0. */
  readonly bytes: number;
  /** How the sizes were distributed; the counts add up to `messages`. */
  readonly sizes: Sizes;
}

/** Why a frame may not hold all that happened. */
export const FAULTS = [
  'attach', // the first interval of a capture: probes were not attached for all of it
  'detach', // the last interval of a capture: probes were detached before its end
  'lost-events', // bpftrace reported lost events
  'saturated', // a map was full, events were dropped in the kernel
  'late-flip', // three intervals or more were merged: bpftrace was stopped or starved; nothing is lost
  'restart', // bpftrace ended inside the interval
  'garbage', // lines of the readout could not be understood
] as const;
export type Fault = (typeof FAULTS)[number];

/** How a container ended, as Docker says. */
export interface Exit {
  readonly container: string;
  /** What its first process returned; 128 and the number of the signal that killed it. */
  readonly code: number;
  /** The kernel killed a process of it because its memory was used up. */
  readonly oom: boolean;
}

/** Most exits that a frame tells of: InfluxDB keeps them in one text of at most 64 KiB. */
export const MAX_EXITS = 100;

/** All that one host saw in one interval. One frame per interval always, also on an idle host. */
export interface Frame {
  readonly host: string;
  /** Epoch milliseconds, integer; unique for a host. */
  readonly start: number;
  /** True duration, integer milliseconds > 0. */
  readonly durationMs: number;
  /** Start of the frame before this one of the same host, or null for the first ever. */
  readonly previous: number | null;
  /** Empty: the frame is complete. Detectors abstain on the others. Sorted, unique. */
  readonly faults: readonly Fault[];
  /** Events known to be lost in this interval. */
  readonly lost: number;
  /**
   * Frames of this host right before this one that were made and then lost on their way to the store, an integer > 0;
   * absent: none. What they held is a gap.
   */
  readonly dropped?: number;
  /** Fullest map of the readout: entries / capacity, 0..1. */
  readonly occupancy: number;
  /** Everyone alive at any moment of the interval, sorted by name. Without a window: silent, which is a value. */
  readonly containers: readonly Container[];
  /** Names of those born and of those that died inside the interval, sorted. */
  readonly started: readonly string[];
  readonly ended: readonly string[];
  /** Of those that Docker told of in this interval, sorted by container; absent: of none. */
  readonly exits?: readonly Exit[];
  /** Those with at least one message, sorted by container, then direction (send before receive). */
  readonly windows: readonly Window[];
  /** Who talked to whom, in the order of `compareFlows`; empty where the probe does not tell. */
  readonly flows: readonly Flow[];
  /** TCP connections by their ends, in the order of `compareConnections`; empty where the probe does not tell. */
  readonly connections: readonly ConnectionRow[];
}

/** End of a frame's interval (exclusive), epoch milliseconds. */
export const frameEnd = (frame: Pick<Frame, 'start' | 'durationMs'>): number =>
  frame.start + frame.durationMs;

export const intervalOf = (frame: Pick<Frame, 'start' | 'durationMs'>): Interval => ({
  from: frame.start,
  to: frameEnd(frame),
});

export const isComplete = (frame: Pick<Frame, 'faults'>): boolean => frame.faults.length === 0;

/** Canonical order of windows in a frame. */
export function compareWindows(a: Window, b: Window): number {
  return (
    compareText(a.container, b.container) || DIRECTIONS.indexOf(a.direction) - DIRECTIONS.indexOf(b.direction)
  );
}

const count = z.int().nonnegative();

const windowSchema = z
  .strictObject({
    container: z.string(),
    direction: z.enum(DIRECTIONS),
    messages: count.positive(),
    bytes: count,
    // Checked by hand: there are 100,000 pairs in a large frame, and a schema copies each of them.
    sizes: z.custom<Sizes>(isSizes, 'not a histogram'),
  })
  .refine(w => countOf(w.sizes) === w.messages, 'sizes do not add up to messages');

/** So that dates can say the end of any frame. */
const MOST_MS = 4e15;
const time = z.int().min(-MOST_MS).max(MOST_MS);

/** Exits from outside. */
export const exitsSchema = z
  .array(z.strictObject({ container: z.string(), code: z.int().min(0).max(255), oom: z.boolean() }))
  .min(1)
  .max(MAX_EXITS);

const frameSchema = z.strictObject({
  host: z.string(),
  start: time,
  durationMs: z.int().positive().max(MOST_MS),
  previous: time.nullable(),
  faults: z.array(z.enum(FAULTS)),
  lost: count,
  dropped: z.exactOptional(count.positive()),
  occupancy: z.number().min(0),
  containers: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.enum(['container', 'cgroup', 'other']),
      service: z.string(),
      replica: z.string(),
      image: z.string(),
      id: z.string(),
      labels: z.exactOptional(labelsSchema),
    }),
  ),
  started: z.array(z.string()),
  ended: z.array(z.string()),
  exits: z.exactOptional(exitsSchema),
  windows: z.array(windowSchema),
  flows: z.array(flowSchema),
  // Absent in frames that an earlier version left in a spool or queue.
  connections: z.array(connectionSchema).default([]),
});

/** One line of JSON; `decodeFrame` gives the same frame back. */
export const encodeFrame = (frame: Frame): string => JSON.stringify(frame);

/** The frame in a JSON text from outside (queue, spool, file). Throws a TidegaugeError naming `place` when it is none. */
export function decodeFrame(text: string, place: string): Frame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw notAFrame(place, 'no JSON', cause);
  }
  return frameIn(value, place);
}

/** The frame in a value from outside that was JSON. Throws a TidegaugeError naming `place` when it is none. */
export function frameIn(value: unknown, place: string): Frame {
  const parsed = frameSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw notAFrame(place, `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(), parsed.error);
  }
  return parsed.data;
}

function notAFrame(place: string, found: string, cause: unknown): TidegaugeError {
  return new TidegaugeError(
    {
      place,
      expected: 'a frame',
      found,
      remedy: 'Check that both processes run the same version of tidegauge.',
    },
    { cause },
  );
}
