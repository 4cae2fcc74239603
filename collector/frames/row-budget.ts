import { compareFlows, EXCHANGE_KEYS, type Flow, flowId } from '../../core/traffic/flow.ts';
import { compareText } from '../../core/traffic/frame.ts';

/**
 * How many flows of a container have rows of their own. Names of series are for ever, so a place is kept for `keptMs`
 * after its last use (or a sixtieth longer), and who only knocks (a scan, a sender that nobody answers) has few places.
 */
export interface RowLimits {
  /** Flows with traffic both ways, or connections. */
  readonly talking: number;
  /** Flows one way only, or nothing but failures. */
  readonly oneWay: number;
  /** Rows for what is folded: all ports of one peer. */
  readonly folded: number;
  readonly keptMs: number;
  /** Containers whose places are kept; those that came first lose theirs. */
  readonly containers: number;
}

type Class = 'talking' | 'oneWay' | 'folded';

/** Bounds the number of flows. Everything that is folded away is added to another row: sums stay right. */
export class RowBudget {
  readonly #limits: RowLimits;
  /** Container -> class -> flow id -> start of the frame in which it was last used, in order of use. */
  readonly #used = new Map<string, Partial<Record<Class, Map<string, number>>>>();

  /** When it was last looked at what is too old, epoch ms. */
  #expired = Number.NEGATIVE_INFINITY;

  /** Flows of the last frame that had no place of their own. */
  folded = 0;

  constructor(limits: RowLimits) {
    this.#limits = limits;
  }

  /** The rows for these flows (by id) of a frame that starts at `start`, in canonical order. */
  fold(flows: ReadonlyMap<string, Flow>, start: number): Flow[] {
    this.#expire(start);
    this.folded = 0;
    const rows: Flow[] = [];
    for (const own of byContainer(flows)) {
      const before = this.folded;
      const placed = own.sort(heaviestFirst).map(([id, flow]) => this.#rowOf(id, flow, start));
      const summed = this.folded > before ? addedUp(placed) : placed;
      for (const row of summed.sort(compareFlows)) rows.push(row);
    }
    return rows;
  }

  #rowOf(id: string, flow: Flow, start: number): Flow {
    if (this.#place(classOf(flow), flow, id, start)) return flow;
    this.folded++;
    return this.#folded(flow, start);
  }

  /** What remains of a flow that has no place of its own. */
  #folded(flow: Flow, start: number): Flow {
    const allPorts = { ...flow, port: 0 };
    if (this.#place('folded', allPorts, flowId(allPorts), start)) return allPorts;
    return { ...allPorts, peerKind: 'other', peer: '', address: '' };
  }

  /** Whether the flow has a place, or gets one. */
  #place(kind: Class, flow: Flow, id: string, start: number): boolean {
    let classes = this.#used.get(flow.container);
    if (!classes) {
      classes = {};
      this.#used.set(flow.container, classes);
      if (this.#used.size > this.#limits.containers) this.#used.delete(this.#used.keys().next().value ?? '');
    }
    // Who was answered once stays with its place when it is not, in one frame.
    const one = classes.talking?.has(id) ? 'talking' : kind;
    classes[one] ??= new Map();
    const held = classes[one];
    // Most have one flow alone: it need not be put behind others.
    if (held.size === 1 && held.has(id)) {
      held.set(id, start);
      return true;
    }
    if (!held.delete(id) && held.size >= this.#limits[kind]) {
      const [oldest, used] = held.entries().next().value ?? ['', start];
      // An idle conversation makes room for a new one; knocking does not.
      if (kind !== 'talking' || used >= start) return false;
      held.delete(oldest);
    }
    held.set(id, start);
    return true;
  }

  /** Once in a while: it is all of them that are looked at. */
  #expire(start: number): void {
    if (start - this.#expired < this.#limits.keptMs / 60) return;
    this.#expired = start;
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

function classOf(flow: Flow): Class {
  const bothWays = flow.sentMessages > 0 && flow.receivedMessages > 0;
  return bothWays || flow.connections > 0 ? 'talking' : 'oneWay';
}

const bytesOf = (flow: Flow): number => flow.sentBytes + flow.receivedBytes;

type Identified = readonly [id: string, flow: Flow];

/** The flows of each container, by its name. */
function byContainer(flows: ReadonlyMap<string, Flow>): Identified[][] {
  const groups = new Map<string, Identified[]>();
  for (const one of flows) {
    const { container } = one[1];
    const group = groups.get(container);
    if (group) group.push(one);
    else groups.set(container, [one]);
  }
  return [...groups].sort(([a], [b]) => compareText(a, b)).map(([, group]) => group);
}

/** Ids decide between equals, so that the same flows have the same places. */
const heaviestFirst = ([idA, a]: Identified, [idB, b]: Identified): number =>
  bytesOf(b) - bytesOf(a) || compareText(idA, idB);

/** One row for each id, heaviest first. */
function addedUp(flows: readonly Flow[]): Flow[] {
  const rows = new Map<string, Flow>();
  for (const flow of flows) {
    const id = flowId(flow);
    const row = rows.get(id);
    rows.set(id, row ? addFlows(row, flow) : flow);
  }
  return [...rows.values()];
}

/** The sum of two flows of one id; the address is that of the heavier one, which comes first. */
export function addFlows(a: Flow, b: Flow): Flow {
  const sum = { ...a };
  for (const key of EXCHANGE_KEYS) sum[key] = a[key] + b[key];
  return sum;
}
