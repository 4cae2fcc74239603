import type { Config } from '../core/config/config.ts';
import type { Log } from '../core/log.ts';
import { hostContainers, unmatchedRules } from '../detector/rule-coverage.ts';
import { newestFrames } from './newest-frames.ts';

/**
 * A line for each rule that matches no containers in the newest stored frames of all hosts, or one that says why there
 * was no comparison. A store that is away is not an error of the configuration.
 */
export async function rulesInStore(config: Config, log: Log): Promise<string[]> {
  const { detectors } = config;
  // Without containers: is there any rule that could match none?
  if (unmatchedRules(detectors, []).length === 0) return [];
  const newest = await newestFrames(config, log);
  if ('why' in newest) return [`rules were not compared with stored containers: ${newest.why}`];
  return unmatchedRules(detectors, newest.frames.map(hostContainers)).map(
    ({ text }) => `in the newest stored frames ${text}`,
  );
}
