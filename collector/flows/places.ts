import { compareFlows, EXCHANGE_KEYS, type Flow, flowId } from '../../core/flow.ts';
import { compareText } from '../../core/frame.ts';

/**
 * How many flows of a container have rows of their own. Names of series are for ever, so a place is kept for
 * `keptMs` after its last use, and who only knocks (a scan, a sender that nobody answers) has few places.
 */
export interface PlaceLimits {
  /** Flows with traffic both ways, or connections. */
  readonly talking: number;
  /** Flows one way only, or nothing but failures. */
  readonly oneWay: number;
  /** Rows for what is folded: all ports of one peer. */
  readonly folded: number;
  readonly keptMs: number;
}

type Class = 'talking' | 'oneWay' | 'folded';

/** Bounds the number of flows. Everything that is folded away is added to another row: sums stay right. */
export class Places {
  readonly #limits: PlaceLimits;
  /** Container -> class -> flow id -> start of the frame in which it was last used, in order of use. */
  readonly #used = new Map<string, Record<Class, Map<string, number>>>();

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  /** The rows for these flows (no two of one id) of a frame that starts at `start`, in canonical order. */
  fold(flows: readonly Flow[], start: number): Flow[] {
    this.#expire(start);
    const rows = new Map<string, Flow>();
    const weighed = flows.map(flow => ({ flow, id: flowId(flow), bytes: bytesOf(flow) }));
    for (const { flow, id } of weighed.sort(heaviestFirst)) {
      const [rowId, part] = this.#place(classOf(flow), flow, id, start)
        ? [id, flow]
        : this.#folded(flow, start);
      const row = rows.get(rowId);
      rows.set(rowId, row ? addFlows(row, part) : part);
    }
    return [...rows.values()].sort(compareFlows);
  }

  /** The row for a flow that has no place of its own. */
  #folded(flow: Flow, start: number): [id: string, Flow] {
    const allPorts = { ...flow, port: 0 };
    const id = flowId(allPorts);
    if (this.#place('folded', allPorts, id, start)) return [id, allPorts];
    const other: Flow = { ...allPorts, peerKind: 'other', peer: '', address: '' };
    return [flowId(other), other];
  }

  /** Whether the flow has a place, or gets one. */
  #place(kind: Class, flow: Flow, id: string, start: number): boolean {
    let classes = this.#used.get(flow.container);
    if (!classes) {
      classes = newClasses();
      this.#used.set(flow.container, classes);
    }
    // Who was answered once stays with its place when it is not, in one frame.
    const held = classes.talking.has(id) ? classes.talking : classes[kind];
    if (!held.has(id) && held.size >= this.#limits[kind]) {
      const [oldest, used] = held.entries().next().value ?? ['', start];
      // An idle conversation makes room for a new one; knocking does not.
      if (kind !== 'talking' || used >= start) return false;
      held.delete(oldest);
    }
    held.delete(id);
    held.set(id, start);
    return true;
  }

  #expire(start: number): void {
    for (const [container, classes] of this.#used) {
      for (const held of Object.values(classes)) {
        for (const [id, used] of held) {
          if (start - used <= this.#limits.keptMs) break;
          held.delete(id);
        }
      }
      if (Object.values(classes).every(held => held.size === 0)) this.#used.delete(container);
    }
  }
}

const newClasses = (): Record<Class, Map<string, number>> => ({
  talking: new Map(),
  oneWay: new Map(),
  folded: new Map(),
});

function classOf(flow: Flow): Class {
  const bothWays = flow.sentMessages > 0 && flow.receivedMessages > 0;
  return bothWays || flow.connections > 0 ? 'talking' : 'oneWay';
}

const bytesOf = (flow: Flow): number => flow.sentBytes + flow.receivedBytes;

/** Of a flow; its id decides between equals, so that the same flows have the same places. */
interface Weighed {
  readonly id: string;
  readonly bytes: number;
}

const heaviestFirst = (a: Weighed, b: Weighed): number => b.bytes - a.bytes || compareText(a.id, b.id);

/** The sum of two flows of one id; the address is that of the heavier one, which comes first. */
export function addFlows(a: Flow, b: Flow): Flow {
  const sum = { ...a };
  for (const key of EXCHANGE_KEYS) sum[key] = a[key] + b[key];
  return sum;
}
