import { addSizes, type Sizes, sizesFrom } from '../../core/traffic/histogram.ts';

/** Exact sum of histograms. */
export function mergeSizes(...all: readonly Sizes[]): Sizes {
  const counts = new Map<number, number>();
  for (const sizes of all) addSizes(counts, sizes);
  return sizesFrom(counts);
}
