import { configSchema } from '../../core/config/config.ts';
import { VIEW_NAMES } from '../../detector/dynamic/views/view.ts';
import { DEFAULT_RULES, DETECTORS } from '../../detector/index.ts';
import type { Candidate } from './measure.ts';

/** Rules as they would stand in tidegauge.yaml. */
function candidate(name: string, rules: readonly Record<string, unknown>[]): Candidate {
  const parsed = configSchema(DETECTORS, [], []).parse({ detectors: rules }).detectors;
  return { name, rules: parsed, detectors: DETECTORS };
}

/** What a fresh install runs. */
export const DEFAULT: Candidate = candidate('default', DEFAULT_RULES);

/** What to compare with: a z-score over the last hour, as many programs have it. */
export const ROLLING_ZSCORE: Candidate = candidate('rolling z-score', [
  { use: 'rolling-zscore', name: 'bytes', metric: 'bytes' },
  { use: 'rolling-zscore', name: 'messages', metric: 'messages' },
]);

/** Detectors of the defaults that judge windows; others judge flows and connections, which the simulator has none of. */
const OF_WINDOWS = ['dynamic-threshold', 'siblings', 'gone'];

/** Each rule of a fresh install alone. */
export const ALONE: readonly Candidate[] = DEFAULT_RULES.map(rule => candidate(`${rule.use} alone`, [rule]));

/** Those of them that have something to judge in simulated frames. */
export const ALONE_ON_WINDOWS: readonly Candidate[] = ALONE.filter(({ rules }) =>
  rules.every(({ use }) => OF_WINDOWS.includes(use)),
);

/** Rules that wait to be asked for, each alone. */
export const ON_REQUEST: readonly Candidate[] = ['new-peer', 'host'].map(use =>
  candidate(`${use} alone`, [{ use, name: use }]),
);

/** The default without one of its views. */
export const ABLATIONS: readonly Candidate[] = VIEW_NAMES.map(left =>
  candidate(
    `without ${left}`,
    DEFAULT_RULES.map(rule =>
      rule.use === 'dynamic-threshold' ? { ...rule, views: VIEW_NAMES.filter(view => view !== left) } : rule,
    ),
  ),
);
