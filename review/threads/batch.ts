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
  /** Of the containers of the frame before: mostly the same ones follow. */
  #indices: readonly number[] = [];

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
      if (this.#members.see(frame) || beginsAnew)
        this.#indices = frame.containers.map(container => this.#indexOf(container));
      const counts = shares.map(({ heads, numbers }, share) => {
        heads.push(headOf(frame, this.#members, share));
        return this.#writeContainers(numbers, share);
      });
      for (const window of frame.windows) {
        const place = this.#members.placeOf(window.container);
        const share = this.#members.shareOf[place] ?? 0;
        shares[share]?.numbers.addWindow(place, window);
        counts[share]?.add();
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

  /** Returns the number of windows, which follow. */
  #writeContainers(numbers: Numbers, share: number): Counter {
    const { shareOf } = this.#members;
    numbers.add(this.#indices.length);
    for (let i = 0; i < this.#indices.length; i++) {
      const index = this.#indices[i] ?? 0;
      numbers.add(shareOf[i] === share ? index : ~index);
    }
    return numbers.addCounter();
  }
}

function headOf(frame: Frame, members: Members, share: number): Head {
  const { containers: _, windows: __, flows, connections, ...head } = frame;
  const isOwn = (row: { readonly container: string }) =>
    members.shareOf[members.placeOf(row.container)] === share;
  return { ...head, flows: flows.filter(isOwn), connections: connections.filter(isOwn) };
}

/** A number that is not known yet when it is written. */
interface Counter {
  add(): void;
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

  addCounter(): Counter {
    const at = this.#length;
    this.add(0);
    return {
      add: () => {
        this.#numbers[at] = (this.#numbers[at] ?? 0) + 1;
      },
    };
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
