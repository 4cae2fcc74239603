import { filesOf, makeStore } from '../app/wire.ts';
import type { Config } from '../core/config/config.ts';
import { describeError, errorCode } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type HostContainers, hostContainers, unmatchedRules } from '../detector/rule-coverage.ts';
import type { Store } from '../store/contract.ts';
import { unreadable, using } from './open-data.ts';

/**
 * A line for each rule that matches no containers in the newest stored frames of all hosts, or one that says why there
 * was no comparison. A store that is away is not an error of the configuration.
 */
export async function rulesInStore(config: Config, log: Log): Promise<string[]> {
  const { detectors } = config;
  // Without containers: is there any rule that could match none?
  if (unmatchedRules(detectors, []).length === 0) return [];
  try {
    const missing = unreadable(filesOf(config).store);
    if (missing !== null) throw missing;
    const hosts = await using(makeStore(config, log, { readOnly: true }), newestContainers);
    if (hosts.length === 0) return [notCompared('nothing is stored yet')];
    return unmatchedRules(detectors, hosts).map(({ text }) => `in the newest stored frames ${text}`);
  } catch (error) {
    return [notCompared(errorCode(error) === 'ENOENT' ? 'nothing is stored yet' : describeError(error))];
  }
}

const notCompared = (why: string): string => `rules were not compared with stored containers: ${why}`;

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
