import type { Protocol } from '../../core/traffic/flow.ts';
import type { Endpoints, PublishedPort } from '../contract.ts';

/** Docker's events may be this old when they arrive, ns. */
const EVENT_DELAY_NS = 2e9;

/** Something that was true from `since` until `until`, kernel time in ns. */
interface Assignment<V> {
  readonly value: V;
  readonly since: number;
  readonly until: number;
}

/** Which containers had a key (an address, a port), and when. */
class Assignments<V> {
  readonly #byKey = new Map<string, Map<string, Assignment<V>>>();
  size = 0;

  assign(key: string, holder: string, value: V, since: number): void {
    const holders = this.#byKey.get(key) ?? new Map<string, Assignment<V>>();
    this.#byKey.set(key, holders);
    const before = holders.get(holder);
    if (!before) this.size++;
    holders.set(holder, { value, since: before?.since ?? since, until: Number.POSITIVE_INFINITY });
  }

  release(key: string, holder: string, until: number): void {
    const held = this.#byKey.get(key)?.get(holder);
    if (held) this.#byKey.get(key)?.set(holder, { ...held, until });
  }

  /** Holders at any moment from `from` to `to`. */
  during(key: string, from: number, to: number): [holder: string, value: V][] {
    return [...(this.#byKey.get(key) ?? [])].flatMap(([holder, { value, since, until }]) =>
      since <= to && until >= from ? [[holder, value]] : [],
    );
  }

  /** Forget assignments that ended before this time. */
  expire(before: number): void {
    for (const [key, holders] of this.#byKey) {
      for (const [holder, { until }] of holders) {
        if (until < before && holders.delete(holder)) this.size--;
      }
      if (holders.size === 0) this.#byKey.delete(key);
    }
  }
}

/**
 * Where containers are reached, as Docker says: their addresses, and ports of the host that lead to them, each with the
 * time in which that was true. Frames may be read long after Docker's events arrived: the time of the frame decides.
 * Bounded; beyond `limit` entries nothing more is added.
 */
export class DockerEndpoints {
  readonly #limit: number;
  /** By container id. */
  readonly #current = new Map<string, Endpoints>();
  readonly #addresses = new Assignments<null>();
  readonly #ports = new Assignments<PublishedPort>();
  /** Bounds of the current frame, kernel time in ns. */
  #from = 0;
  #to = 0;
  /** When the latest ended assignment ended. */
  #lastEnd = Number.NEGATIVE_INFINITY;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Entries of the larger table. */
  get size(): number {
    return Math.max(this.#addresses.size, this.#ports.size);
  }

  /** Replace the endpoints of a container, as heard at `ns`. */
  set(endpoints: Endpoints, ns: number): void {
    const { id } = endpoints;
    const before = this.#current.get(id);
    if (before) {
      for (const address of addressesOf(before)) this.#addresses.release(address, id, ns);
      for (const one of before.published) this.#ports.release(portKey(one), publisher(id, one), ns);
      this.#lastEnd = ns;
    }
    this.#current.delete(id);
    const isUnreachable = endpoints.networks.length + endpoints.published.length === 0;
    if (isUnreachable || this.size >= this.#limit) return;
    this.#current.set(id, endpoints);
    const since = ns - EVENT_DELAY_NS;
    for (const address of addressesOf(endpoints)) this.#addresses.assign(address, id, null, since);
    for (const one of endpoints.published) this.#ports.assign(portKey(one), publisher(id, one), one, since);
  }

  /** A new frame, kernel time in ns. Assignments that ended before it are forgotten. */
  setFrameBounds(from: number, to: number): void {
    const isOver = this.#lastEnd < this.#from;
    [this.#from, this.#to] = [from, to];
    if (isOver) return;
    this.#addresses.expire(from);
    this.#ports.expire(from);
  }

  /** Ids of the containers that had the address in the frame. */
  holders(address: string): string[] {
    return this.#addresses.during(address, this.#from, this.#to).map(([id]) => id);
  }

  /** Where a port on an address of the host led in the frame; null unless it is exactly one container. */
  target(protocol: Protocol, port: number, address: string): { id: string; target: number } | null {
    const [first, ...others] = this.#ports
      .during(portKey({ protocol, port }), this.#from, this.#to)
      .filter(([, one]) => one.address === null || one.address === address);
    return first && others.length === 0 ? { id: publisherId(first[0]), target: first[1].target } : null;
  }
}

const addressesOf = ({ networks }: Endpoints): string[] => networks.flatMap(one => one.addresses);

const portKey = ({ protocol, port }: Pick<PublishedPort, 'protocol' | 'port'>): string =>
  `${protocol} ${port}`;

/** A container may publish one port several times, on different addresses. */
const publisher = (id: string, { address, target }: PublishedPort): string => `${id} ${address} ${target}`;
const publisherId = (holder: string): string => holder.slice(0, holder.indexOf(' '));
