import { CAPS } from '../core/caps.ts';
import { compareFlows, EXCHANGE_KEYS, type Exchange, flowId } from '../core/traffic/flow.ts';
import type { FlowTotal } from '../core/traffic/service-map.ts';
import { integer, type Row } from './row.ts';

/** Columns of `container_flows` with the numbers of a flow, by key. */
export const EXCHANGE_COLUMNS: Readonly<Record<keyof Exchange, string>> = {
  sentMessages: 'sent_messages',
  sentBytes: 'sent_bytes',
  receivedMessages: 'received_messages',
  receivedBytes: 'received_bytes',
  connections: 'connections',
  failures: 'failures',
};

/** The numbers of a flow in a row. */
export function exchangeOf(row: Row): Exchange {
  const value = (key: keyof Exchange): number => integer(row, EXCHANGE_COLUMNS[key]);
  return {
    sentMessages: value('sentMessages'),
    sentBytes: value('sentBytes'),
    receivedMessages: value('receivedMessages'),
    receivedBytes: value('receivedBytes'),
    connections: value('connections'),
    failures: value('failures'),
  };
}

/** The numbers of a flow in the order of their columns. */
export const exchangeValues = (exchange: Exchange): number[] => EXCHANGE_KEYS.map(key => exchange[key]);

/** `sum(a) AS a, …` of all numbers of a flow: the same in SQL and InfluxQL. */
export const EXCHANGE_SUMS: string = Object.values(EXCHANGE_COLUMNS)
  .map(column => `sum(${column}) AS ${column}`)
  .join(', ');

/** Sums of flows, one per flow and service. */
export class FlowTotals {
  readonly #sums = new Map<string, FlowTotal>();

  add(total: FlowTotal): void {
    const id = JSON.stringify([total.service, flowId(total)]);
    const known = this.#sums.get(id);
    const sum = { ...total };
    if (known) for (const key of EXCHANGE_KEYS) sum[key] += known[key];
    this.#sums.set(id, sum);
  }

  /** In contract order, without those that come to nothing. */
  list(): FlowTotal[] {
    const some = [...this.#sums.values()].filter(sum => EXCHANGE_KEYS.some(key => sum[key] > 0));
    return some.sort((a, b) => compareFlows(a, b) || (a.service < b.service ? -1 : 1));
  }
}

/** One row per flow and service, in contract order. */
export function addTotals(totals: readonly FlowTotal[]): FlowTotal[] {
  const sums = new FlowTotals();
  for (const total of totals) sums.add(total);
  return sums.list();
}

/**
 * The flows of a bucket with at most `limit` rows for each container and service: those that fail most, then those that
 * moved most. The others are added to rows of the kind `other`, so that sums stay exact.
 */
export function withinCap(totals: readonly FlowTotal[], limit: number = CAPS.flowRows.limit): FlowTotal[] {
  const rows = new FlowTotals();
  const byContainer = Map.groupBy(totals, ({ service, container }) => JSON.stringify([service, container]));
  for (const own of byContainer.values()) {
    const ranked = own.filter(({ peerKind }) => peerKind !== 'other').sort(heaviestFirst);
    for (const total of ranked.slice(0, limit)) rows.add(total);
    for (const total of ranked.slice(limit)) rows.add({ ...total, peerKind: 'other', peer: '', port: 0 });
    for (const total of own.filter(({ peerKind }) => peerKind === 'other')) rows.add(total);
  }
  return rows.list();
}

/** Keys break ties, so that the same flows get the same rows. */
const heaviestFirst = (a: FlowTotal, b: FlowTotal): number =>
  b.failures - a.failures ||
  b.sentBytes + b.receivedBytes - (a.sentBytes + a.receivedBytes) ||
  compareFlows(a, b);
