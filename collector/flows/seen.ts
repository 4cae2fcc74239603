/** A value under a key, and the frame in which it was last seen. */
interface Entry<V> {
  readonly key: string;
  readonly value: V;
  frame: number;
}

/** Keys with values, each stamped with the frame in which it was last seen. Bounded; the oldest go first. */
export class Seen<V> {
  readonly #limit: number;
  /** In the order of their frames. */
  readonly #entries = new Set<Entry<V>>();
  readonly #byKey = new Map<string, Map<V, Entry<V>>>();

  /** `limit`: most entries. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  see(key: string, value: V, frame: number): void {
    let values = this.#byKey.get(key);
    if (!values) {
      values = new Map();
      this.#byKey.set(key, values);
    }
    const known = values.get(value);
    if (known?.frame === frame) return;
    const entry = known ?? { key, value, frame };
    entry.frame = frame;
    values.set(value, entry);
    this.#entries.delete(entry);
    this.#entries.add(entry);
    const [oldest] = this.#entries;
    if (oldest && this.#entries.size > this.#limit) this.#drop(oldest);
  }

  /** Values that were last seen at the same time as the newest one. */
  newest(key: string): V[] {
    const found = this.#found(key);
    const last = found.reduce((newest, { frame }) => Math.max(newest, frame), 0);
    return this.at(key, last);
  }

  /** Values that were seen in the frame. */
  at(key: string, frame: number): V[] {
    return this.#found(key)
      .filter(entry => entry.frame === frame)
      .map(entry => entry.value);
  }

  all(key: string): V[] {
    return this.#found(key).map(entry => entry.value);
  }

  /** Forget what was last seen before the frame, and what `isGone` says. */
  expire(before: number, isGone: (value: V) => boolean): void {
    for (const entry of this.#entries) {
      if (entry.frame < before || isGone(entry.value)) this.#drop(entry);
    }
  }

  /** Put values in place of others, all at once. */
  replace(values: ReadonlyMap<V, V>): void {
    const moved = [...this.#entries].filter(({ value }) => values.has(value));
    for (const entry of moved) this.#drop(entry);
    for (const { key, value, frame } of moved) this.see(key, values.get(value) ?? value, frame);
  }

  #found(key: string): Entry<V>[] {
    return [...(this.#byKey.get(key)?.values() ?? [])];
  }

  #drop(entry: Entry<V>): void {
    this.#entries.delete(entry);
    const values = this.#byKey.get(entry.key);
    values?.delete(entry.value);
    if (values?.size === 0) this.#byKey.delete(entry.key);
  }
}
