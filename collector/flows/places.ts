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
    const put = (flow: Flow) => {
      const id = flowId(flow);
      const row = rows.get(id);
      rows.set(id, row ? addFlows(row, flow) : flow);
    };
    for (const flow of [...flows].sort(heaviestFirst)) {
      const allPorts = { ...flow, port: 0 };
      if (this.#place(classOf(flow), flow, start)) put(flow);
      else if (this.#place('folded', allPorts, start)) put(allPorts);
      else put({ ...allPorts, peerKind: 'other', peer: '', address: '' });
    }
    return [...rows.values()].sort(compareFlows);
  }

  /** Whether the flow has a place, or gets one. */
  #place(kind: Class, flow: Flow, start: number): boolean {
    const id = flowId(flow);
    const classes = this.#used.get(flow.container) ?? newClasses();
    this.#used.set(flow.container, classes);
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

function heaviestFirst(a: Flow, b: Flow): number {
  return bytesOf(b) - bytesOf(a) || compareText(flowId(a), flowId(b));
}

/** The sum of two flows of one id; the address is that of the heavier one, which comes first. */
export function addFlows(a: Flow, b: Flow): Flow {
  const sum = { ...a };
  for (const key of EXCHANGE_KEYS) sum[key] = a[key] + b[key];
  return sum;
}
