import type { Container, Frame, Window } from '../../core/traffic/frame.ts';
import {
  readWindow,
  SizePairs,
  windowLength,
  windowLengthAt,
  writeWindow,
} from '../../core/traffic/window-numbers.ts';
import type { Members } from './shares.ts';

/**
 * Consecutive frames of one host as a thread is sent them: of the services that are not in its share only who is there.
 * What there is most of is in numbers, which one thread hands to the other as they are.
 */
export interface Batch {
  readonly heads: readonly Head[];
  /** Those who were not in a batch before: they go on the list of all, or begin it anew. */
  readonly containers: readonly Container[];
  readonly beginsAnew: boolean;
  /**
   * Of each frame: how many containers, of each its index on that list, or the complement of it (`~index`) when it is not
   * in the share; how many windows, of each the place of its container in the frame and the window (window-numbers.ts).
   */
  readonly numbers: Float64Array<ArrayBuffer>;
}

/** All else that a frame says, flows and connections of the share. */
type Head = Omit<Frame, 'containers' | 'windows'>;

/** A frame, and those of its containers that are in the share. */
export interface SharedFrame {
  readonly frame: Frame;
  readonly own: readonly Container[];
  /** Of each of these its place in the frame. */
  readonly places: readonly number[];
}

/** Containers on the list of all from which on it is begun anew: each redeploy adds one. */
const LISTED = 20_000;

/** Writes batches of one host for each of `count` shares. */
export class BatchWriter {
  readonly #members: Members;
  readonly #count: number;
  readonly #listed = new Map<Container, number>();
  #isNew = true;

  constructor(members: Members, count: number) {
    this.#members = members;
    this.#count = count;
  }

  write(frames: readonly Frame[]): Batch[] {
    const beginsAnew = this.#isNew || this.#listed.size > LISTED;
    if (beginsAnew) this.#listed.clear();
    this.#isNew = false;
    const before = this.#listed.size;
    const shares = Array.from({ length: this.#count }, () => ({
      heads: [] as Head[],
      numbers: new Numbers(),
    }));
    for (const frame of frames) {
      this.#members.see(frame);
      const indices = frame.containers.map(container => this.#indexOf(container));
      const windows = windowsByShare(frame, this.#members, this.#count);
      for (const [share, { heads, numbers }] of shares.entries()) {
        heads.push(headOf(frame, this.#members, share));
        this.#writeFrame(numbers, share, indices, windows[share] ?? []);
      }
    }
    const containers = [...this.#listed.keys()].slice(before);
    return shares.map(({ heads, numbers }) => ({ heads, containers, beginsAnew, numbers: numbers.all() }));
  }

  #indexOf(container: Container): number {
    const index = this.#listed.get(container) ?? this.#listed.size;
    if (index === this.#listed.size) this.#listed.set(container, index);
    return index;
  }

  #writeFrame(numbers: Numbers, share: number, indices: readonly number[], windows: readonly Window[]): void {
    const { shareOf } = this.#members;
    numbers.add(indices.length);
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i] ?? 0;
      numbers.add(shareOf[i] === share ? index : ~index);
    }
    numbers.add(windows.length);
    for (const window of windows) numbers.addWindow(this.#members.placeOf(window.container), window);
  }
}

function windowsByShare({ windows }: Frame, members: Members, count: number): Window[][] {
  const byShare = Array.from({ length: count }, (): Window[] => []);
  for (const window of windows)
    byShare[members.shareOf[members.placeOf(window.container)] ?? 0]?.push(window);
  return byShare;
}

function headOf(frame: Frame, members: Members, share: number): Head {
  const { containers: _, windows: __, flows, connections, ...head } = frame;
  const isOwn = (row: { readonly container: string }) =>
    members.shareOf[members.placeOf(row.container)] === share;
  return { ...head, flows: flows.filter(isOwn), connections: connections.filter(isOwn) };
}

/** Numbers that grow. */
class Numbers {
  #numbers = new Float64Array(4096);
  #length = 0;

  add(number: number): void {
    this.#makeRoom(1);
    this.#numbers[this.#length++] = number;
  }

  addWindow(place: number, window: Window): void {
    this.#makeRoom(1 + windowLength(window));
    this.#numbers[this.#length++] = place;
    this.#length = writeWindow(this.#numbers, this.#length, window);
  }

  all(): Float64Array<ArrayBuffer> {
    return this.#numbers.slice(0, this.#length);
  }

  #makeRoom(more: number): void {
    if (this.#length + more <= this.#numbers.length) return;
    const larger = new Float64Array(2 * (this.#length + more));
    larger.set(this.#numbers);
    this.#numbers = larger;
  }
}

/** Reads the batches of one share. */
export class BatchReader {
  readonly #pairs = new SizePairs();
  readonly #listed: Container[] = [];
  #numbers = new Float64Array();
  #at = 0;

  /** One frame after the other: each is garbage when the next is made. */
  *read({ heads, containers, beginsAnew, numbers }: Batch): Iterable<SharedFrame> {
    if (beginsAnew) this.#listed.length = 0;
    this.#listed.push(...containers);
    this.#numbers = numbers;
    this.#at = 0;
    for (const head of heads) yield this.#frame(head);
  }

  #frame(head: Head): SharedFrame {
    const count = this.#next();
    const [containers, own, places]: [Container[], Container[], number[]] = [[], [], []];
    for (let place = 0; place < count; place++) {
      const index = this.#next();
      const container = this.#listed[index < 0 ? ~index : index];
      if (!container) continue;
      containers.push(container);
      if (index < 0) continue;
      own.push(container);
      places.push(place);
    }
    const windows: Window[] = [];
    for (let left = this.#next(); left > 0; left--) {
      const name = containers[this.#next()]?.name ?? '';
      windows.push(readWindow(this.#numbers, this.#at, name, this.#pairs));
      this.#at += windowLengthAt(this.#numbers, this.#at);
    }
    return { frame: { ...head, containers, windows }, own, places };
  }

  #next(): number {
    return this.#numbers[this.#at++] ?? 0;
  }
}
