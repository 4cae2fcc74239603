/** A value under a key, in a list from the oldest to the newest. */
interface Entry<K, V> {
  readonly key: K;
  readonly value: V;
  /** The frame in which it was last seen. */
  frame: number;
  older: Entry<K, V> | null;
  newer: Entry<K, V> | null;
}

/** A multimap of at most `limit` entries, each stamped with the frame in which it was last seen; the oldest go first. */
export class BoundedMultimap<K, V> {
  readonly #limit: number;
  readonly #byKey = new Map<K, Map<V, Entry<K, V>>>();
  #oldest: Entry<K, V> | null = null;
  #newest: Entry<K, V> | null = null;
  #size = 0;

  /** `limit`: most entries. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  add(key: K, value: V, frame: number): void {
    let values = this.#byKey.get(key);
    if (!values) {
      values = new Map();
      this.#byKey.set(key, values);
    }
    let entry = values.get(value);
    if (entry) this.#unlink(entry);
    else {
      entry = { key, value, frame, older: null, newer: null };
      values.set(value, entry);
    }
    entry.frame = frame;
    this.#append(entry);
    if (this.#size > this.#limit && this.#oldest) this.#drop(this.#oldest);
  }

  /** Values that were last seen in the newest frame of the key or in the one before. */
  recent(key: K): V[] {
    const last = this.lastFrame(key);
    return this.#entriesOf(key).flatMap(({ frame, value }) => (frame >= last - 1 ? [value] : []));
  }

  /** The frame in which a value of the key was last seen; 0: never. */
  lastFrame(key: K): number {
    return this.#entriesOf(key).reduce((newest, { frame }) => Math.max(newest, frame), 0);
  }

  /** Values that were seen in the frame. */
  at(key: K, frame: number): V[] {
    return this.#entriesOf(key).flatMap(entry => (entry.frame === frame ? [entry.value] : []));
  }

  all(key: K): V[] {
    return this.#entriesOf(key).map(entry => entry.value);
  }

  /** Forget what was last seen before the frame, and what `isGone` says. */
  expire(before: number, isGone: (value: V) => boolean): void {
    for (const entry of this.#all()) {
      if (entry.frame < before || isGone(entry.value)) this.#drop(entry);
    }
  }

  /** Replace values by others, all at once: they may be swapped. */
  replace(values: ReadonlyMap<V, V>): void {
    const moved = this.#all().filter(({ value }) => values.has(value));
    for (const entry of moved) this.#drop(entry);
    for (const { key, value, frame } of moved) this.add(key, values.get(value) ?? value, frame);
  }

  #entriesOf(key: K): Entry<K, V>[] {
    return [...(this.#byKey.get(key)?.values() ?? [])];
  }

  /** From the oldest on. */
  #all(): Entry<K, V>[] {
    const all: Entry<K, V>[] = [];
    for (let entry = this.#oldest; entry; entry = entry.newer) all.push(entry);
    return all;
  }

  #drop(entry: Entry<K, V>): void {
    this.#unlink(entry);
    const values = this.#byKey.get(entry.key);
    values?.delete(entry.value);
    if (values?.size === 0) this.#byKey.delete(entry.key);
  }

  #append(entry: Entry<K, V>): void {
    entry.older = this.#newest;
    entry.newer = null;
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
    this.#size++;
  }

  #unlink(entry: Entry<K, V>): void {
    const { older, newer } = entry;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    this.#size--;
  }
}
