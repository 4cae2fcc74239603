import type { Protocol } from '../../core/flow.ts';
import type { Endpoints, PublishedPort } from '../contract.ts';

/** What is held under a key (an address, a port) by whom, until which frame. */
class Holdings<V> {
  readonly #byKey = new Map<string, Map<string, { readonly value: V; readonly until: number }>>();
  size = 0;

  hold(key: string, holder: string, value: V, until: number): void {
    const holders = this.#byKey.get(key) ?? new Map<string, { value: V; until: number }>();
    this.#byKey.set(key, holders);
    if (!holders.has(holder)) this.size++;
    holders.set(holder, { value, until });
  }

  of(key: string): [holder: string, value: V][] {
    return [...(this.#byKey.get(key) ?? [])].map(([holder, { value }]) => [holder, value]);
  }

  /** Forget what was held until an earlier frame. */
  expire(frame: number): void {
    for (const [key, holders] of this.#byKey) {
      for (const [holder, { until }] of holders) {
        if (until < frame && holders.delete(holder)) this.size--;
      }
      if (holders.size === 0) this.#byKey.delete(key);
    }
  }
}

/**
 * Who is reached where, as Docker says: addresses of containers and ports of the host that lead to them, each with the
 * frames in which that was so. What a container had, it has for `graceFrames` more: news may be a frame early.
 * Bounded; beyond `limit` entries nothing more is learned.
 */
export class Whereabouts {
  readonly #limit: number;
  readonly #graceFrames: number;
  /** By container id. */
  readonly #current = new Map<string, Endpoints>();
  readonly #addresses = new Holdings<null>();
  readonly #ports = new Holdings<PublishedPort>();
  /** Frame after which nothing is left to forget. */
  #expiring = Number.NEGATIVE_INFINITY;

  constructor(limit: number, graceFrames: number) {
    this.#limit = limit;
    this.#graceFrames = graceFrames;
  }

  /** Entries of the larger table. */
  get size(): number {
    return Math.max(this.#addresses.size, this.#ports.size);
  }

  /** A container is there from `frame` on, and nowhere else. */
  set(endpoints: Endpoints, frame: number): void {
    const { id } = endpoints;
    const before = this.#current.get(id);
    this.#current.delete(id);
    if (before) {
      this.#expiring = frame + this.#graceFrames;
      this.#hold(before, this.#expiring);
    }
    const isNowhere = endpoints.networks.length + endpoints.published.length === 0;
    if (isNowhere || this.size >= this.#limit) return;
    this.#current.set(id, endpoints);
    this.#hold(endpoints, Number.POSITIVE_INFINITY);
  }

  /** A new frame: forget what was not so in it. */
  turn(frame: number): void {
    if (this.#expiring === Number.NEGATIVE_INFINITY) return;
    this.#addresses.expire(frame);
    this.#ports.expire(frame);
    if (frame > this.#expiring) this.#expiring = Number.NEGATIVE_INFINITY;
  }

  /** Ids of the containers that had the address in the frame. */
  holders(address: string): string[] {
    return this.#addresses.of(address).map(([id]) => id);
  }

  /** Where a port of the host's address led to in the frame, if that is one place. */
  target(protocol: Protocol, port: number, address: string): { id: string; target: number } | null {
    const [first, ...others] = this.#ports
      .of(`${protocol} ${port}`)
      .filter(([, one]) => one.address === null || one.address === address);
    return first && others.length === 0 ? { id: containerOf(first[0]), target: first[1].target } : null;
  }

  #hold({ id, networks, published }: Endpoints, until: number): void {
    for (const address of networks.flatMap(one => one.addresses)) {
      this.#addresses.hold(address, id, null, until);
    }
    for (const one of published) {
      this.#ports.hold(`${one.protocol} ${one.port}`, `${id} ${one.address} ${one.target}`, one, until);
    }
  }
}

/** A container may publish one port several times, on different addresses. */
const containerOf = (holder: string): string => holder.slice(0, holder.indexOf(' '));
