import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/**
 * Keep the heap of this process near to what is in use, from now on. V8 lets garbage grow as long as the machine has
 * memory: at 10,000 containers a collector was resident with 480 MiB, of which 80 MiB were in use. In steps this small
 * the same takes below 300 MiB, and one and a half times the processor's time, of which there is plenty: a fifth of a
 * core. With detectors in the same process it is 400 instead of 550 MiB, for the same time. These two are read at each collection, so that they work in a process that runs already.
 */
export function keepHeapSmall(): void {
  // The young generation stays as small as it is at the start.
  setFlagsFromString('--semi-space-growth-factor=1');
  // The next collection of the old one is due when it has grown by this much since the last.
  setFlagsFromString('--heap-growing-percent=30');
}

/** Young generation of a process that folds history, bytes: what a page of frames needs to die young. */
const YOUNG_BYTES = 16 * 1024 * 1024;
/** Objects that are made at a time to have it grow, and how often at most. */
const GROWTH = { objects: 20_000, rounds: 50 };
/** Each of its two halves in a thread, MiB: it does not grow in steps there. */
const THREAD_HALF_MB = 8;

/**
 * In a process that `keepHeapSmall` has a small heap: give the young generation room for a page of stored frames, and no
 * more. Without it folding history takes half as long again; left to itself it takes 128 MiB. Threads that are started later
 * have as much.
 */
export function widenYoungGeneration(): void {
  // Its greatest size cannot be set in a process that runs: it grows as objects survive, and is stopped there.
  setFlagsFromString('--semi-space-growth-factor=8');
  const survivors: object[] = [];
  for (let round = 0; round < GROWTH.rounds && youngBytes() < YOUNG_BYTES; round++)
    for (let i = 0; i < GROWTH.objects; i++) survivors.push({ round, i });
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString(`--min-semi-space-size=${THREAD_HALF_MB}`);
}

const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
