import type { Random } from '../../test/data/random.ts';

/** What became of one case: `refused` means that what was wrong was noticed and said, not only that nothing came of it. */
export type Verdict = 'accepted' | 'refused';

/** One way into the program that text from outside takes. */
export interface Target {
  readonly name: string;
  /** What is mutated, for people. */
  readonly what: string;
  /** Its part of all cases; the shares add up to 1. */
  readonly share: number;
  prepare(): Promise<Prepared>;
}

export interface Prepared {
  /**
   * Mutate something and let the program read it. Throws when the program does what it must never do: fails with
   * anything but its own kind of error, makes something invalid of it, or drops something and does not say so.
   */
  play(random: Random): Promise<Verdict>;
  stop(): Promise<void>;
}
