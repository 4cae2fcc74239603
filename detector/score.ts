/**
 * A score on one scale for all detectors that judge a ratio to a limit: 1 at the limit, one more for each doubling
 * above it, so that how bad it is can be told however large it is. `ratio` is finite and >= 0.
 */
export const graded = (ratio: number): number => (ratio <= 1 ? ratio : 1 + Math.log2(ratio));
