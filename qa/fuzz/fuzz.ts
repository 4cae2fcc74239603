import { describeError } from '../../core/errors.ts';
import { Random } from '../../test/data/random.ts';
import type { Prepared, Target } from './contract.ts';

export interface FuzzOptions {
  readonly targets: readonly Target[];
  /** Of all targets together, by their shares. */
  readonly cases: number;
  readonly seed: number;
  /** Only this case of each target: how one that failed is played again. */
  readonly only?: number;
  readonly onProgress?: (done: number, target: string) => void;
}

/** What became of a target's cases: the first three numbers add up to `cases`. */
export interface Tally {
  readonly target: string;
  cases: number;
  accepted: number;
  refused: number;
  crashed: number;
  /** Longest that one case took, ms. */
  slowestMs: number;
}

export interface Crash {
  readonly target: string;
  readonly number: number;
  readonly error: unknown;
}

/** Play all cases. The same seed gives the same ones. */
export async function fuzz(options: FuzzOptions): Promise<{ tallies: Tally[]; crashes: Crash[] }> {
  const tallies: Tally[] = [];
  const crashes: Crash[] = [];
  let done = 0;
  for (const target of options.targets) {
    const tally = { target: target.name, cases: 0, accepted: 0, refused: 0, crashed: 0, slowestMs: 0 };
    tallies.push(tally);
    const prepared = await target.prepare();
    try {
      const count = Math.max(1, Math.round(options.cases * target.share));
      const from = options.only ?? 0;
      const to = options.only === undefined ? count : options.only + 1;
      for (let number = from; number < to; number++) {
        const error = await playCase(prepared, randomOf(options.seed, target.name, number), tally);
        if (error !== null) crashes.push({ target: target.name, number, error });
        options.onProgress?.(++done, target.name);
      }
    } finally {
      await prepared.stop();
    }
  }
  return { tallies, crashes };
}

/** The error that it crashed with, or null. */
async function playCase(prepared: Prepared, random: Random, tally: Tally): Promise<unknown> {
  const begun = performance.now();
  tally.cases++;
  try {
    tally[await prepared.play(random)]++;
    return null;
  } catch (error) {
    tally.crashed++;
    return error ?? new Error('nothing was thrown');
  } finally {
    tally.slowestMs = Math.max(tally.slowestMs, Math.ceil(performance.now() - begun));
  }
}

/** Each case has numbers of its own, so that it can be played alone. */
function randomOf(seed: number, target: string, number: number): Random {
  let hash = seed;
  for (const char of `${target} ${number}`) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  return new Random(hash);
}

/** A promise of the program that did not hold. */
export function broken(what: string, detail?: unknown): Error {
  return new Error(detail === undefined ? what : `${what}: ${describeError(detail)}`);
}

/** Compared as JSON. */
export function mustEqual(what: string, actual: unknown, expected: unknown): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== should) throw new Error(`${what}: ${is?.slice(0, 500)}, expected ${should?.slice(0, 500)}`);
}
