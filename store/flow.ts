import { EXCHANGE_KEYS, type Exchange } from '../core/flow.ts';
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
