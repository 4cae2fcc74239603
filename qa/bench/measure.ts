/** A table of a benchmark. Ratios, not absolute numbers, are what can be compared between machines. */
export interface BenchTable {
  readonly title: string;
  readonly rows: readonly {
    readonly name: string;
    /** Median with its unit. */
    readonly value: string;
    /** Median of the rounds' ratios to what it is compared with. */
    readonly ratio: string;
    /** Least and greatest ratio of a round, or what the middle half of the rounds lies between. */
    readonly spread: string;
  }[];
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** `0.93 to 1.07` */
export function spread(ratios: readonly number[]): string {
  return `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
}

/** The middle half of them, `0.97 to 1.02`. */
export function middle(ratios: readonly number[]): string {
  const sorted = ratios.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.round(part * (sorted.length - 1))] ?? Number.NaN;
  return `${at(0.25).toFixed(2)} to ${at(0.75).toFixed(2)}`;
}

/**
 * Measures several things once in each round, in turn, so that whatever else the machine does meets all of them;
 * odd rounds go backwards. The numbers of each thing, by round.
 */
export async function inTurn<T extends string>(
  rounds: number,
  things: Readonly<Record<T, () => Promise<number> | number>>,
): Promise<Record<T, number[]>> {
  const names = Object.keys(things) as T[];
  const numbers = Object.fromEntries(names.map(name => [name, [] as number[]])) as Record<T, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) numbers[name].push(await things[name]());
  }
  return numbers;
}

/** The same keys with other values. */
export const mapValues = <A, B>(
  record: Readonly<Record<string, A>>,
  to: (value: A) => B,
): Record<string, B> => Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]));
