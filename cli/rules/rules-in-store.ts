import type { Config } from '../../core/config/config.ts';
import type { Log } from '../../core/log.ts';
import { hostContainers, uncoveredLine, unmatchedRules } from '../../detector/fold/rule-coverage.ts';
import { newestFrames } from './newest-frames.ts';

/**
 * A line for each rule that matches no containers in the newest stored frames of all hosts, one for the containers that no
 * rule looks at, or one that says why there was no comparison. A store that is away is not an error of the configuration.
 */
export async function rulesInStore(config: Config, log: Log): Promise<string[]> {
  const { detectors } = config;
  // Without containers: is there any rule that could match none? If not, rules cover everybody.
  if (unmatchedRules(detectors, []).length === 0) return [];
  const newest = await newestFrames(config, log);
  if ('why' in newest) return [`rules were not compared with stored containers: ${newest.why}`];
  const hosts = newest.frames.map(hostContainers);
  const uncovered = uncoveredLine(detectors, hosts);
  const lines = unmatchedRules(detectors, hosts).map(({ text }) => text);
  return [...lines, ...(uncovered === null ? [] : [uncovered])].map(
    line => `in the newest stored frames ${line}`,
  );
}
