interface Entry<V> {
  readonly key: string;
  readonly value: V;
  /** In which it was last seen. */
  readonly frame: number;
}

/** Keys with values, each stamped with the frame in which it was last seen. Bounded; the oldest go first. */
export class Seen<V> {
  readonly #limit: number;
  readonly #entries = new Map<string, Entry<V>>();
  readonly #byKey = new Map<string, Set<string>>();

  /** `limit`: most entries. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  see(key: string, value: V, frame: number): void {
    const id = JSON.stringify([key, value]);
    this.#drop(id);
    this.#entries.set(id, { key, value, frame });
    const ids = this.#byKey.get(key) ?? new Set<string>();
    this.#byKey.set(key, ids.add(id));
    if (this.#entries.size > this.#limit) this.#drop(this.#entries.keys().next().value ?? '');
  }

  /** Values that were last seen at the same time as the newest one. */
  newest(key: string): V[] {
    const found = this.#found(key);
    const last = Math.max(...found.map(entry => entry.frame));
    return found.filter(entry => entry.frame === last).map(entry => entry.value);
  }

  /** Values that were seen in the frame. */
  at(key: string, frame: number): V[] {
    return this.#found(key).flatMap(entry => (entry.frame === frame ? [entry.value] : []));
  }

  all(key: string): V[] {
    return this.#found(key).map(entry => entry.value);
  }

  /** Forget what was last seen before the frame, and what `isGone` says. */
  expire(before: number, isGone: (value: V) => boolean): void {
    for (const [id, { value, frame }] of this.#entries) {
      if (frame < before || isGone(value)) this.#drop(id);
    }
  }

  /** Put values in place of others, all at once. */
  replace(values: ReadonlyMap<V, V>): void {
    const moved = [...this.#entries].filter(([, { value }]) => values.has(value));
    for (const [id] of moved) this.#drop(id);
    for (const [, { key, value, frame }] of moved) this.see(key, values.get(value) ?? value, frame);
  }

  #found(key: string): Entry<V>[] {
    return [...(this.#byKey.get(key) ?? [])].flatMap(id => this.#entries.get(id) ?? []);
  }

  #drop(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    const ids = this.#byKey.get(entry.key);
    ids?.delete(id);
    if (ids?.size === 0) this.#byKey.delete(entry.key);
  }
}
