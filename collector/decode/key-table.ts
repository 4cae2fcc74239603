const FIRST_CAPACITY = 1024;

/**
 * Keys of a few words of 32 bits, numbered in the order in which they come. A Map of texts would cost more than reading
 * the line does. Peers choose their addresses: the seed keeps them from choosing ones that collide.
 */
export class KeyTable {
  /** Number of keys. */
  size = 0;
  readonly #width: number;
  readonly #seed: number;
  /** Words of each key, one after the other. */
  #words: Uint32Array<ArrayBuffer>;
  /** Number of a key + 1 at the slot that its hash leads to, or at one behind it; 0: none. */
  #slots: Int32Array<ArrayBuffer>;

  /** `width`: words in a key. */
  constructor(width: number, seed: number = Math.random() * 2 ** 32) {
    this.#width = width;
    this.#seed = seed;
    this.#words = new Uint32Array(width * FIRST_CAPACITY);
    this.#slots = new Int32Array(2 * FIRST_CAPACITY);
  }

  /** The number of a key. */
  numberOf(key: Uint32Array): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#hash(key, 0) & mask;
    for (let found = slots[slot] ?? 0; found > 0; found = slots[slot] ?? 0) {
      if (this.#equals(found - 1, key)) return found - 1;
      slot = (slot + 1) & mask;
    }
    if (2 * (this.size + 1) > slots.length) {
      this.#grow();
      return this.numberOf(key);
    }
    this.#words.set(key, this.size * this.#width);
    slots[slot] = ++this.size;
    return this.size - 1;
  }

  /** Writes a key, by its number. */
  key(number: number, into: Uint32Array): void {
    const from = number * this.#width;
    for (let i = 0; i < this.#width; i++) into[i] = this.#words[from + i] ?? 0;
  }

  #equals(number: number, key: Uint32Array): boolean {
    const from = number * this.#width;
    for (let i = 0; i < this.#width; i++) if (this.#words[from + i] !== key[i]) return false;
    return true;
  }

  /** Of the key that begins there (murmur3's mixing). */
  #hash(words: Uint32Array, from: number): number {
    let hash = this.#seed | 0;
    for (let i = from; i < from + this.#width; i++) {
      const word = Math.imul(words[i] ?? 0, 0xcc9e2d51);
      hash ^= Math.imul((word << 15) | (word >>> 17), 0x1b873593);
      hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  }

  #grow(): void {
    this.#words = widened(this.#words, new Uint32Array(2 * this.#words.length));
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let number = 0; number < this.size; number++) {
      let slot = this.#hash(this.#words, number * this.#width) & mask;
      while ((slots[slot] ?? 0) > 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}

/** The longer column, with what is in the shorter one. */
export function widened<C extends { set(from: C): void }>(from: C, to: C): C {
  to.set(from);
  return to;
}
