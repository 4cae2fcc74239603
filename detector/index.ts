import { beacon } from './beacon.ts';
import type { AnyDetector } from './contract.ts';
import { dynamicThreshold } from './dynamic-threshold.ts';
import { gone } from './gone.ts';
import { hostWide } from './host.ts';
import { kpi } from './kpi/detector.ts';
import { newPeer } from './new-peer.ts';
import { rollingZscore } from './rolling-zscore.ts';
import { scan } from './scan.ts';
import { siblings } from './siblings.ts';
import { threshold } from './threshold.ts';

/** All detectors: what `use:` in `detectors:` can name. */
export const DETECTORS: readonly AnyDetector[] = [
  threshold,
  rollingZscore,
  dynamicThreshold,
  siblings,
  gone,
  scan,
  beacon,
  newPeer,
  hostWide,
  kpi,
];

/**
 * The rules of a fresh install, as they would stand in tidegauge.yaml: those that were seen to raise few false alerts, the
 * first three in docs/quality.md, `scan` and `beacon` in test/detector/conversations.test.ts. `new-peer` and `host` wait to be
 * asked for.
 */
export const DEFAULT_RULES: readonly Record<string, unknown>[] = [
  { use: 'dynamic-threshold', name: 'traffic' },
  { use: 'siblings', name: 'siblings' },
  { use: 'gone', name: 'gone' },
  { use: 'scan', name: 'scan' },
  { use: 'beacon', name: 'beacon' },
];
