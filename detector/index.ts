import type { AnyDetector } from './contract.ts';
import { dynamicThreshold } from './dynamic-threshold.ts';
import { siblings } from './siblings.ts';
import { threshold } from './threshold.ts';
import { rollingZscore } from './zscore.ts';

/** All detectors: what `use:` in `detectors:` can name. */
export const DETECTORS: readonly AnyDetector[] = [threshold, rollingZscore, dynamicThreshold, siblings];

/** The rules of a fresh install, as they would stand in tidegauge.yaml. */
export const DEFAULT_RULES: readonly Record<string, unknown>[] = [
  { use: 'dynamic-threshold', name: 'traffic' },
  { use: 'siblings', name: 'siblings' },
];
