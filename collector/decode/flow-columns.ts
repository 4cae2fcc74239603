import { decodeFlowKey, type RawFlowKey } from './flow-key.ts';
import { KeyTable } from './key-table.ts';

/**
 * Words of a key: cgroup, low half of the word without bucket, two addresses, high half of the word (bpf/flows.bt); of
 * other 64 bits the high half comes first.
 */
export const FLOW_KEY_WORDS = 8;

/** Decode a key, except its cgroup. */
export const flowKeyOf = (key: Uint32Array): RawFlowKey => {
  const [, , word = 0, aHigh = 0, aLow = 0, bHigh = 0, bLow = 0, netns = 0] = key;
  return decodeFlowKey([netns, word], [aHigh, aLow], [bHigh, bLow]);
};

/** Messages and bytes by cgroup and flow, in columns and in the order in which they were read. */
export class FlowColumns {
  /** Row of the cgroup (columns.ts), looked up once for each flow. */
  readonly rows: number[] = [];
  readonly messages: number[] = [];
  readonly bytes: number[] = [];
  readonly #table = new KeyTable(FLOW_KEY_WORDS);

  /** Number of keys. */
  get size(): number {
    return this.#table.size;
  }

  /** The number of a key. */
  numberOf(key: Uint32Array): number {
    return this.#table.numberOf(key);
  }

  /** `number`: of the key. */
  add(number: number, messages: number, bytes: number): void {
    this.messages[number] = (this.messages[number] ?? 0) + messages;
    this.bytes[number] = (this.bytes[number] ?? 0) + bytes;
  }

  /** Writes a key, by its number. */
  key(number: number, into: Uint32Array): void {
    this.#table.key(number, into);
  }
}
