import type { Interval } from '../../core/interval.ts';
import { type Direction, type Frame, intervalOf, isComplete } from '../../core/traffic/frame.ts';
import { type Part, Parts } from './parts.ts';

/** Bytes of one container in a part; `watchedMs`: for how long it was seen there. */
interface Sum extends Record<Direction, number> {
  watchedMs: number;
}

/** Everybody's traffic in a part of the range. */
export interface RangePart extends Part {
  readonly byContainer: Map<string, Sum>;
}

/** One container over the range. */
export interface ContainerRecord {
  readonly host: string;
  readonly container: string;
  readonly service: string;
  /** Bytes of the complete frames, and for how long they were, ms. */
  readonly sent: number;
  readonly received: number;
  readonly watchedMs: number;
  /** Bytes per second over time, oldest first; null: it was not there, or nothing is known. */
  readonly rates: readonly { readonly start: number; readonly end: number; readonly rate: number | null }[];
}

/** Points of a line. */
const PARTS = 120;
/** Containers of a host that are told apart. */
const CONTAINERS = 2000;

/** Adds up what the containers of a host did in a range. Memory depends on how many they are, not on the range. */
export class RangeRecorder {
  readonly #range: Interval;
  readonly #hosts = new Map<
    string,
    { readonly parts: Parts<RangePart>; readonly services: Map<string, string> }
  >();

  constructor(range: Interval) {
    this.#range = range;
  }

  add(frame: Frame): void {
    if (frame.start < this.#range.from || frame.start >= this.#range.to) return;
    const known = this.#hosts.get(frame.host) ?? {
      parts: new Parts(PARTS, newPart, addPart),
      services: new Map<string, string>(),
    };
    this.#hosts.set(frame.host, known);
    for (const { name, service } of frame.containers)
      if (known.services.has(name) || known.services.size < CONTAINERS) known.services.set(name, service);
    addFrame(known.parts.of(intervalOf(frame)), frame, known.services);
  }

  /** Hosts in the order they came, of each the containers with most bytes first. */
  result(): ContainerRecord[] {
    return [...this.#hosts].flatMap(([host, { parts, services }]) =>
      [...services]
        .map(([container, service]) => recordOf({ host, container, service }, parts.all))
        .sort((a, b) => b.sent + b.received - a.sent - a.received),
    );
  }
}

const newPart = (start: number, end: number): RangePart => ({ start, end, byContainer: new Map() });

function addFrame({ byContainer }: RangePart, frame: Frame, known: ReadonlyMap<string, string>): void {
  if (!isComplete(frame)) return;
  for (const { name } of frame.containers) {
    const sum = byContainer.get(name);
    if (sum) sum.watchedMs += frame.durationMs;
    else if (known.has(name)) byContainer.set(name, { watchedMs: frame.durationMs, send: 0, receive: 0 });
  }
  for (const { container, direction, bytes } of frame.windows) {
    const sum = byContainer.get(container);
    if (sum) sum[direction] += bytes;
  }
}

function addPart(into: RangePart, { byContainer }: RangePart): void {
  for (const [name, more] of byContainer) {
    const sum = into.byContainer.get(name);
    if (!sum) into.byContainer.set(name, more);
    else {
      sum.watchedMs += more.watchedMs;
      sum.send += more.send;
      sum.receive += more.receive;
    }
  }
}

function recordOf(
  who: Pick<ContainerRecord, 'host' | 'container' | 'service'>,
  parts: readonly RangePart[],
): ContainerRecord {
  const total = { watchedMs: 0, send: 0, receive: 0 };
  const rates = parts.map(({ start, end, byContainer }) => {
    const sum = byContainer.get(who.container);
    if (!sum || sum.watchedMs === 0) return { start, end, rate: null };
    total.watchedMs += sum.watchedMs;
    total.send += sum.send;
    total.receive += sum.receive;
    return { start, end, rate: ((sum.send + sum.receive) * 1000) / sum.watchedMs };
  });
  return { ...who, sent: total.send, received: total.receive, watchedMs: total.watchedMs, rates };
}
