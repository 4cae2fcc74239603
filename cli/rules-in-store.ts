import { filesOf, makeStore } from '../app/wire.ts';
import type { Config } from '../core/config/config.ts';
import { describeError, errorCode } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import {
  type HostContainers,
  hostContainers,
  uncoveredLine,
  unmatchedRules,
} from '../detector/rule-coverage.ts';
import type { Store } from '../store/contract.ts';
import { unreadable, using } from './open-data.ts';

/**
 * A line for each rule that matches no containers in the newest stored frames of all hosts, one for the containers that no
 * rule looks at, or one that says why there was no comparison. A store that is away is not an error of the configuration.
 */
export async function rulesInStore(config: Config, log: Log): Promise<string[]> {
  const { detectors } = config;
  // Without containers: is there any rule that could match none? If not, rules cover everybody.
  if (unmatchedRules(detectors, []).length === 0) return [];
  try {
    const hosts = await containersInStore(config, log);
    if (hosts.length === 0) return [notCompared('nothing is stored yet')];
    const uncovered = uncoveredLine(detectors, hosts);
    const lines = unmatchedRules(detectors, hosts).map(({ text }) => text);
    return [...lines, ...(uncovered === null ? [] : [uncovered])].map(
      line => `in the newest stored frames ${line}`,
    );
  } catch (error) {
    return [notCompared(errorCode(error) === 'ENOENT' ? 'nothing is stored yet' : describeError(error))];
  }
}

const notCompared = (why: string): string => `rules were not compared with stored containers: ${why}`;

/** Containers of the newest stored frames, by host. Throws what keeps the store from being read. */
export async function containersInStore(config: Config, log: Log): Promise<HostContainers[]> {
  const missing = unreadable(filesOf(config).store);
  if (missing !== null) throw missing;
  return using(makeStore(config, log, { readOnly: true }), newestContainers);
}

async function newestContainers(store: Store): Promise<HostContainers[]> {
  await store.open();
  const hosts: HostContainers[] = [];
  for (const host of await store.hosts()) {
    // Of those that can be read: frames ahead of a backlog cannot.
    const last = await store.lastInTurn(host);
    if (last === null) continue;
    const range = { from: last, to: last + 1 };
    for await (const frame of store.readFrames(host, range)) hosts.push(hostContainers(frame));
  }
  return hosts;
}
