import { WordTable } from '../words.ts';
import { decodeTalk, type Talk } from './talk.ts';

/** Words of a key: row, word without bucket, the halves of the two addresses (bpf/flows.bt), high before low. */
export const KEY_WORDS = 6;

/** What a key says besides its row. */
export const talkOf = (key: Uint32Array): Talk => {
  const [, word = 0, aHigh = 0, aLow = 0, bHigh = 0, bLow = 0] = key;
  return decodeTalk(word, [aHigh, aLow], [bHigh, bLow]);
};

/** Messages and bytes by row and talk, in columns and in the order in which they were read. */
export class Talks {
  readonly messages: number[] = [];
  readonly bytes: number[] = [];
  readonly #table = new WordTable(KEY_WORDS);

  /** Number of keys. */
  get size(): number {
    return this.#table.size;
  }

  add(key: Uint32Array, messages: number, bytes: number): void {
    const number = this.#table.numberOf(key);
    this.messages[number] = (this.messages[number] ?? 0) + messages;
    this.bytes[number] = (this.bytes[number] ?? 0) + bytes;
  }

  /** Writes a key, by its number. */
  key(number: number, into: Uint32Array): void {
    this.#table.key(number, into);
  }
}
