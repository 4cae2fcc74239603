import type { Fault, Frame } from '../../core/traffic/frame.ts';
import type { CgroupId, ClockReading, Event, Input } from '../contract.ts';
import { CgroupRegistry, type Undescribed } from '../identity/cgroup-registry.ts';
import type { UnresolvedCgroup } from '../identity/identifier.ts';
import { LIMITS } from '../limits.ts';
import { attribute } from './attribution.ts';
import { connectionRows } from './connection-rows.ts';
import { type Counters, newCounters } from './counters.ts';
import { FlowBuilder } from './flow-builder.ts';
import { MapSnapshot } from './map-snapshot.ts';
import { Timeline } from './timeline.ts';

export interface BuilderOptions {
  readonly host: string;
  /** Configured length of an interval, ms. */
  readonly intervalMs: number;
  /** Capacity of each map, entries. */
  readonly mapKeys: number;
  /** Most containers in a frame; the rest is aggregated as `other`. */
  readonly maxContainers: number;
  /** Start of the host's last frame of an earlier capture, epoch ms, or null. */
  readonly previous: number | null;
  /** End of that frame, epoch ms: the wall clock may have been set back since. Absent: not known. */
  readonly notBefore?: number | undefined;
  /** Address ranges of a cluster's services, such as `10.96.0.0/12`; absent: none. */
  readonly serviceRanges?: readonly string[] | undefined;
}

/**
 * An interval this many times longer than configured spans several. A single late tick (the last readout was still being
 * printed) is not a fault: everything is counted, and rates use the true duration.
 */
const MERGED_FACTOR = 1.5;
const LATE_FACTOR = 2.5;
/** Kernel time cannot be later than the clock that is read afterwards, except for its resolution, ns. */
const CLOCK_SLACK_NS = 1e9;

/**
 * Events -> frames. Pure apart from its own state: the same inputs give the same frames, byte for byte. A frame is
 * completed by the `end` of its readout. Never throws, whatever the events are.
 */
export class FrameBuilder {
  readonly counters: Counters = newCounters();
  readonly #options: BuilderOptions;
  readonly #cgroups = new CgroupRegistry();
  readonly #flows: FlowBuilder;
  readonly #timeline: Timeline;
  #previous: number | null;
  /** Of the open interval. */
  #faults = new Set<Fault>();
  #lost = 0;
  /** The readout that has begun and not ended. */
  #readout: {
    readonly ns: number;
    readonly set: string;
    readonly reading: ClockReading;
    readonly snapshot: MapSnapshot;
  } | null = null;
  /**
   * The probes are detached: this is the last readout. It may go on after its `end`: bpftrace may not have printed or
   * cleared the maps of a tick right before, and prints what is left in them as it exits.
   */
  #isLast = false;
  /** Earlier parts of the open interval, and the time of the last one. */
  #earlierParts: { readonly ns: number; readonly snapshot: MapSnapshot } | null = null;

  constructor(options: BuilderOptions) {
    this.#options = options;
    this.#previous = options.previous;
    this.#flows = new FlowBuilder(LIMITS.flows, options.serviceRanges);
    const { previous, notBefore = Number.NEGATIVE_INFINITY } = options;
    this.#timeline = new Timeline(previous === null ? null : Math.max(previous + 1, notBefore));
  }

  /** By how much frames are ahead of a wall clock that was set back, ms. */
  get aheadMs(): number {
    return this.#timeline.aheadMs;
  }

  /** Ids of living containers without a description. */
  undescribed(which: Undescribed): string[] {
    return this.#cgroups.undescribed(which);
  }

  /** Living cgroups without a known network namespace. Urgent: containers, and those with flows in the open readout. */
  unresolved(): UnresolvedCgroup[] {
    const snapshot = this.#readout?.snapshot;
    const active = new Set<CgroupId>();
    for (const { cgroup } of snapshot?.flows ?? []) active.add(cgroup);
    for (const { cgroup } of snapshot?.connections ?? []) active.add(cgroup);
    return this.#cgroups.living().flatMap(([cgroup, isContainer]) => {
      const path = this.#flows.isUnresolved(cgroup) ? this.#cgroups.pathOf(cgroup) : null;
      return path === null ? [] : [{ cgroup, path, urgent: isContainer || active.has(cgroup) }];
    });
  }

  /** Take in what discovery learned, or that bpftrace ended. */
  learn(input: Exclude<Input, { kind: 'line' }>): Frame[] {
    switch (input.kind) {
      case 'scanned':
        this.#cgroups.scanned(input.cgroups, input.boot * 1e6);
        return [];
      case 'located':
        this.#cgroups.located(input.cgroup, input.path);
        return [];
      case 'networked':
        this.#flows.networked(input.cgroup, input.network);
        return [];
      case 'described':
        this.#cgroups.described(input.description);
        return [];
      case 'reached':
        this.#flows.reached(input.endpoints, input.boot * 1e6);
        return [];
      case 'forgotten':
        this.#cgroups.forgotten(input.id, input.boot * 1e6);
        return [];
      case 'exited':
        this.#cgroups.exited(input, input.boot * 1e6);
        return [];
      case 'oversize':
        this.#garbage('line too long');
        return [];
      case 'ended':
        return this.#ended();
    }
  }

  /** End of input: the frame of the last readout, if it has begun. */
  finish(): Frame[] {
    return this.#isLast ? this.#finish() : [];
  }

  /** Take in one event of a line, with the clocks when the line was read. */
  step(event: Event, reading: ClockReading): Frame[] {
    switch (event.kind) {
      case 'begin':
        return this.#begin(event.ns, reading);
      case 'flip':
        return this.#flip(event, reading);
      case 'end':
        if (this.#readout && this.#isLast) return [];
        if (this.#readout?.ns === event.ns) return this.#finish();
        this.#garbage('end without flip');
        return [];
      case 'more':
        if (this.#readout && this.#isLast) return [];
        if (this.#readout?.ns === event.ns) this.#closePart();
        else this.#garbage('end without flip');
        return [];
      case 'total':
        if (!this.#isInReadout(event.set)) this.#garbage('count of events outside its readout');
        else if (!this.#readout?.snapshot.count(event.set, event.messages)) this.#repeated();
        return [];
      case 'counts':
        // bpftrace may print maps that are empty when it exits.
        if (!this.#isInReadout(event.set)) {
          if (event.entries > 0) this.#garbage(`map ${event.map} outside its readout`);
        } else if (!this.#readout?.snapshot.take(event)) this.#repeated();
        return [];
      case 'birth':
        this.#cgroups.birth(event.cgroup, event.path, event.ns);
        return [];
      case 'death':
        this.#cgroups.death(event.cgroup, event.path, event.ns);
        return [];
      case 'lost':
        this.#lose(event.events);
        this.#faults.add('lost-events');
        return [];
      case 'garbage':
        this.#garbage(event.reason);
        return [];
      case 'detach':
        this.#faults.add('detach');
        this.#isLast = true;
        return [];
      case 'attached':
        return [];
    }
  }

  /** Whether maps of this set are part of the readout that has begun. */
  #isInReadout(set: string): boolean {
    return this.#readout !== null && (this.#isLast || this.#readout.set === set);
  }

  /** A map was printed a second time. */
  #repeated(): void {
    if (!this.#isLast) this.counters.duplicates++;
  }

  #garbage(reason: string): void {
    this.counters.garbage++;
    this.counters.lastGarbage = reason;
    this.#faults.add('garbage');
  }

  #lose(events: number): void {
    this.counters.lost += events;
    this.#lost += events;
  }

  #begin(ns: number, reading: ClockReading): Frame[] {
    const { startNs } = this.#timeline;
    if (startNs === null) {
      this.#timeline.begin(ns, reading);
      this.#faults.add('attach');
      return [];
    }
    if (ns <= startNs) {
      this.counters.duplicates++;
      return [];
    }
    const frames = this.finish();
    // Since the last flip nothing was counted, or the counts died with bpftrace.
    this.#faults.add('restart');
    frames.push(this.#frame(ns, reading, this.#earlierParts?.snapshot ?? new MapSnapshot()));
    this.#faults.add('attach');
    return frames;
  }

  #flip(event: Extract<Event, { kind: 'flip' }>, reading: ClockReading): Frame[] {
    const { ns, set } = event;
    const { startNs } = this.#timeline;
    if (this.#readout?.ns === ns) {
      this.counters.duplicates++;
      return [];
    }
    if (
      (startNs !== null && ns <= Math.max(startNs, this.#earlierParts?.ns ?? 0)) ||
      ns > reading.boot * 1e6 + CLOCK_SLACK_NS
    ) {
      this.#garbage('flip at an impossible time');
      return [];
    }
    const frames: Frame[] = [];
    const begun = this.#isLast ? this.#readout?.snapshot : undefined;
    if (this.#readout && !begun) {
      this.#garbage('readout without end');
      frames.push(...this.#finish());
    }
    // Without a `begin` the start of this set is unknown: its readout only starts the clock.
    if (startNs === null) return this.#begin(ns, reading);
    const snapshot = begun ?? this.#earlierParts?.snapshot ?? new MapSnapshot();
    // Lines that two processors printed at the same time may come in any order.
    const latest = Math.max(ns, begun && this.#readout ? this.#readout.ns : 0);
    this.#readout = { ns: latest, set, reading, snapshot };
    return frames;
  }

  #closePart(): void {
    if (!this.#readout) return;
    const { ns, snapshot } = this.#readout;
    snapshot.nextPart();
    this.#earlierParts = { ns, snapshot };
    this.#readout = null;
  }

  #finish(): Frame[] {
    if (!this.#readout) return [];
    const { ns, reading, snapshot } = this.#readout;
    this.#readout = null;
    this.#isLast = false;
    return [this.#frame(ns, reading, snapshot)];
  }

  #ended(): Frame[] {
    this.counters.restarts++;
    const frames = this.finish();
    this.#isLast = false;
    if (this.#readout) {
      this.#faults.add('restart');
      frames.push(...this.#finish());
    }
    return frames;
  }

  /** Add the faults of the interval that is about to be closed. */
  #addFaults(snapshot: MapSnapshot, durationMs: number): void {
    const { intervalMs, mapKeys } = this.#options;
    const full = snapshot.entries >= mapKeys;
    if (full) this.#faults.add('saturated');
    const missing = snapshot.missing;
    if (missing > 0) {
      this.#lose(missing);
      if (!full) this.#faults.add('lost-events');
    }
    const isKnown = (['attach', 'detach', 'restart'] as const).some(fault => this.#faults.has(fault));
    if (durationMs > intervalMs * MERGED_FACTOR && !isKnown) {
      this.counters.merged += Math.round(durationMs / intervalMs) - 1;
      if (durationMs > intervalMs * LATE_FACTOR) this.#faults.add('late-flip');
    }
  }

  /** Close the interval at `ns`. */
  #frame(ns: number, reading: ClockReading, snapshot: MapSnapshot): Frame {
    const { host, mapKeys, maxContainers } = this.#options;
    const fromNs = this.#timeline.startNs ?? ns;
    const { start, durationMs } = this.#timeline.close(ns, reading);
    this.#addFaults(snapshot, durationMs);
    this.#earlierParts = null;
    const members = this.#cgroups.members(snapshot.cgroups, ns);
    this.#cgroups.markReported(snapshot.cgroups, ns);
    const { aggregated, names, ...attribution } = attribute(members, snapshot, maxContainers);
    const alive = new Set(attribution.containers.map(container => container.name));
    const nameOf = (cgroup: CgroupId) => names.get(cgroup) ?? this.#cgroups.nameOf(cgroup);
    const exits = this.#cgroups.takeExits(ns);
    this.#cgroups.age(ns);
    const nameOfContainer = this.#cgroups.namesOfContainers();
    const connections = connectionRows(snapshot, names, LIMITS.connections);
    const frame: Frame = {
      host,
      start,
      durationMs,
      previous: this.#previous,
      faults: [...this.#faults].sort(),
      lost: this.#lost,
      occupancy: snapshot.entries / mapKeys,
      ...attribution,
      ...(exits.length > 0 ? { exits } : {}),
      flows: this.#flows.flows(snapshot, {
        start,
        fromNs,
        toNs: ns,
        names,
        nameOf,
        nameOfContainer,
        ended: attribution.ended,
        alive,
      }),
      connections: connections.rows,
    };
    this.#previous = start;
    this.#faults = new Set();
    this.#lost = 0;
    this.counters.frames++;
    this.counters.aggregatedContainers = aggregated;
    this.counters.aggregatedFlows = this.#flows.aggregated;
    this.counters.aggregatedConnections = connections.aggregated;
    this.counters.peerTableEntries = this.#flows.peerTableEntries;
    return frame;
  }
}
