import { beacon } from './beacon.ts';
import type { AnyDetector } from './contract.ts';
import { hostWide } from './host.ts';
import { kpi } from './kpi/detector.ts';
import { newPeer } from './new-peer.ts';
import { rollingZscore } from './rolling-zscore.ts';
import { scan } from './scan.ts';
import { threshold } from './threshold.ts';

/** All detectors: what `use:` in `detectors:` can name. */
export const DETECTORS: readonly AnyDetector[] = [
  threshold,
  rollingZscore,
  kpi,
  newPeer,
  scan,
  beacon,
  hostWide,
];

/** The rules of a fresh install, as they would stand in tidegauge.yaml. */
export const DEFAULT_RULES: readonly Record<string, unknown>[] = [
  { use: 'rolling-zscore', name: 'bytes', metric: 'bytes' },
  { use: 'rolling-zscore', name: 'messages', metric: 'messages' },
];
