import { type Exchange, NO_EXCHANGE } from '../../core/traffic/flow.ts';
import type { Direction, Window } from '../../core/traffic/frame.ts';
import type { CgroupId, ClientPort, ConnectionCount, Counts, EndCount } from '../contract.ts';
import type { TrafficColumns } from '../decode/columns.ts';
import { FLOW_KEY_WORDS, type FlowColumns, flowKeyOf } from '../decode/flow-columns.ts';
import type { RawFlowKey } from '../decode/flow-key.ts';
import { KeyTable } from '../decode/key-table.ts';
import { HistogramSums } from './histogram-sums.ts';

/** What a cgroup exchanged with one peer, by addresses; still being summed. */
export interface RawFlow {
  readonly cgroup: CgroupId;
  readonly key: RawFlowKey;
  readonly exchange: { -readonly [K in keyof Exchange]: Exchange[K] };
}

/** The content of one set of maps, summed over the parts of an interval. */
export class MapSnapshot {
  /** The row of each cgroup. */
  readonly cgroups = new Map<CgroupId, number>();
  /** The cgroup of each row. */
  readonly #ids: CgroupId[] = [];
  /** Cgroups as numbers, high half first, and the row of each: maps of one interval have the same cgroups. */
  readonly #numbers = new KeyTable(2);
  readonly #rows: number[] = [];
  /** Entries of the fullest map. */
  entries = 0;
  readonly ends: EndCount[] = [];
  readonly clients: ClientPort[] = [];
  readonly connections: ConnectionCount[] = [];
  readonly #sums = { send: new HistogramSums(), receive: new HistogramSums() } as const;
  /** Messages counted a second time, or null where they are not. */
  #total: number | null = null;
  readonly flows: RawFlow[] = [];
  /** Key of each of `flows`, by its index. */
  readonly #flowKeys = new KeyTable(FLOW_KEY_WORDS);
  /** Names of the maps that were read, and sets whose count was. */
  readonly #maps = new Set<string>();

  /** Add a map's content; false when this map was added already. */
  take(counts: Counts): boolean {
    const { map, direction, entries, traffic, flows, ends, clients, connections } = counts;
    if (this.#maps.has(map)) return false;
    this.#maps.add(map);
    this.entries = Math.max(this.entries, entries);
    if (traffic) {
      const rows = this.#rowsFor(traffic);
      this.#sums[direction].add(traffic, rows);
      if (flows) this.#addFlows(flows, direction, rows);
    }
    // A cgroup that only tried to connect is in the frame too, even if one of these two maps was garbage.
    for (const end of ends) {
      this.ends.push(end);
      this.#row(end.cgroup);
    }
    for (const client of clients) this.clients.push(client);
    for (const count of connections) {
      this.connections.push(count);
      this.#row(count.cgroup);
    }
    return true;
  }

  /** Messages missing from the cells; 0 where they are not counted a second time. */
  get missing(): number {
    const { send, receive } = this.#sums;
    return this.#total === null ? 0 : Math.max(0, this.#total - send.messages - receive.messages);
  }

  /** Traffic of a container with these rows; null when it has none in this direction. */
  window(container: string, direction: Direction, rows: readonly number[]): Window | null {
    return this.#sums[direction].window(container, direction, rows);
  }

  /** Another part of the same interval follows, with the same maps again. */
  nextPart(): void {
    this.#maps.clear();
  }

  /** Add the count of all messages of a set; false when it was added already. */
  count(set: string, messages: number): boolean {
    if (this.#maps.has(set)) return false;
    this.#maps.add(set);
    this.#total = (this.#total ?? 0) + messages;
    return true;
  }

  /** `rows`: the row here of each row there. */
  #addFlows(flows: FlowColumns, direction: Direction, rows: Int32Array): void {
    const key = new Uint32Array(FLOW_KEY_WORDS);
    for (let number = 0; number < flows.size; number++) {
      flows.key(number, key);
      const at = this.#flowKeys.numberOf(key);
      const raw = this.flows[at] ?? {
        cgroup: this.#ids[rows[flows.rows[number] ?? 0] ?? 0] ?? '',
        key: flowKeyOf(key),
        exchange: { ...NO_EXCHANGE },
      };
      this.flows[at] = raw;
      const messages = flows.messages[number] ?? 0;
      const bytes = flows.bytes[number] ?? 0;
      if (direction === 'send') {
        raw.exchange.sentMessages += messages;
        raw.exchange.sentBytes += bytes;
      } else {
        raw.exchange.receivedMessages += messages;
        raw.exchange.receivedBytes += bytes;
      }
    }
  }

  /** The row here of each row there. */
  #rowsFor(cells: TrafficColumns): Int32Array {
    const id = new Uint32Array(2);
    const rows = new Int32Array(cells.rows);
    for (let there = 0; there < rows.length; there++) {
      cells.cgroup(there, id);
      const number = this.#numbers.numberOf(id);
      const here = this.#rows[number] ?? this.#row(idOf(id));
      this.#rows[number] = here;
      rows[there] = here;
    }
    return rows;
  }

  #row(cgroup: CgroupId): number {
    let row = this.cgroups.get(cgroup);
    if (row === undefined) {
      row = this.#ids.length;
      this.#ids.push(cgroup);
      this.cgroups.set(cgroup, row);
      this.#sums.send.addRow();
      this.#sums.receive.addRow();
    }
    return row;
  }
}

/** A cgroup's id of two halves as text. */
function idOf([high = 0, low = 0]: Uint32Array): CgroupId {
  return high === 0 ? String(low) : String((BigInt(high) << 32n) + BigInt(low));
}
