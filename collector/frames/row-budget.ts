import { compareFlows, EXCHANGE_KEYS, type Flow, flowId } from '../../core/traffic/flow.ts';
import { compareText } from '../../core/traffic/frame.ts';

/**
 * How many flows of a container have rows of their own. Every row becomes a series in the store, so a flow keeps its row
 * for `keptMs` after its last use (up to a sixtieth longer), and flows that nobody answers, such as a port scan, get few.
 */
export interface RowLimits {
  /** Flows with traffic both ways, or connections. */
  readonly twoWay: number;
  /** Flows one way only, or nothing but failures. */
  readonly oneWay: number;
  /** Rows for what is folded: all ports of one peer. */
  readonly aggregated: number;
  readonly keptMs: number;
  /** Most containers whose rows are remembered; the oldest are forgotten first. */
  readonly containers: number;
}

type Class = 'twoWay' | 'oneWay' | 'aggregated';

/** Bounds the rows of flows. Flows beyond the limits are added to other rows: sums stay exact. */
export class RowBudget {
  readonly #limits: RowLimits;
  /** Container -> class -> flow id -> start of the frame in which it was last used, in order of use. */
  readonly #used = new Map<string, Partial<Record<Class, Map<string, number>>>>();
  /** When idle rows were last expired, epoch ms. */
  #expired = Number.NEGATIVE_INFINITY;
  /** Flows of the last frame that got no row of their own. */
  aggregated = 0;

  constructor(limits: RowLimits) {
    this.#limits = limits;
  }

  /** The rows for these flows (by id) of a frame that starts at `start`, epoch ms, in canonical order. */
  apply(flows: ReadonlyMap<string, Flow>, start: number): Flow[] {
    this.#expire(start);
    this.aggregated = 0;
    const rows: Flow[] = [];
    for (const own of byContainer(flows)) {
      const before = this.aggregated;
      const assigned = own.sort(heaviestFirst).map(([id, flow]) => this.#rowOf(id, flow, start));
      const summed = this.aggregated > before ? addedUp(assigned) : assigned;
      for (const row of summed.sort(compareFlows)) rows.push(row);
    }
    return rows;
  }

  #rowOf(id: string, flow: Flow, start: number): Flow {
    if (this.#reserve(classOf(flow), flow, id, start)) return flow;
    this.aggregated++;
    return this.#aggregate(flow, start);
  }

  /** The row that a flow without one of its own is added to: its peer's, or the container's `other`. */
  #aggregate(flow: Flow, start: number): Flow {
    const allPorts = { ...flow, port: 0 };
    if (this.#reserve('aggregated', allPorts, flowId(allPorts), start)) return allPorts;
    return { ...allPorts, peerKind: 'other', peer: '', address: '' };
  }

  /** Whether the flow has a row, or gets one. */
  #reserve(kind: Class, flow: Flow, id: string, start: number): boolean {
    let classes = this.#used.get(flow.container);
    if (!classes) {
      classes = {};
      this.#used.set(flow.container, classes);
      if (this.#used.size > this.#limits.containers) this.#used.delete(this.#used.keys().next().value ?? '');
    }
    // A flow that was answered once keeps its row through a frame without answers.
    const one = classes.twoWay?.has(id) ? 'twoWay' : kind;
    classes[one] ??= new Map();
    const held = classes[one];
    // The common case: a single flow has no order to update.
    if (held.size === 1 && held.has(id)) {
      held.set(id, start);
      return true;
    }
    if (!held.delete(id) && held.size >= this.#limits[kind]) {
      const [oldest, used] = held.entries().next().value ?? ['', start];
      // An idle two-way flow makes room for a new one; an unanswered flow never does.
      if (kind !== 'twoWay' || used >= start) return false;
      held.delete(oldest);
    }
    held.set(id, start);
    return true;
  }

  /** Only now and then, as it walks all rows. */
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
  return bothWays || flow.connections > 0 ? 'twoWay' : 'oneWay';
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

/** Ids break ties, so that the same flows get the same rows. */
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
