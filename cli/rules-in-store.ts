import { accessSync, constants } from 'node:fs';
import { filesOf, makeStore } from '../app/wire.ts';
import type { Config } from '../core/config/config.ts';
import { describeError, errorCode } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Crowd, crowdOf, unmatchedRules } from '../detector/rule-coverage.ts';
import type { FrameStore } from '../store/contract.ts';

/**
 * A line for each rule that looks at nobody in the newest stored frames of all hosts, or one that says why they were
 * not looked at. A store that is away is no mistake of the configuration.
 */
export async function rulesInStore(config: Config, log: Log): Promise<string[]> {
  const { detectors } = config;
  // Against nobody at all: is there anything to compare?
  if (unmatchedRules(detectors, []).length === 0) return [];
  const file = filesOf(config).store;
  const missing = file === null ? null : unreadable(file);
  if (missing !== null) return [notCompared(missing)];
  const store = makeStore(config, log, { readOnly: true });
  try {
    await store.open();
    const crowds = await newestCrowds(store);
    if (crowds.length === 0) return [notCompared('nothing is stored yet')];
    return unmatchedRules(detectors, crowds).map(({ text }) => `in the newest stored frames ${text}`);
  } catch (error) {
    return [notCompared(describeError(error))];
  } finally {
    await store.close();
  }
}

const notCompared = (why: string): string => `rules were not compared with who is there: ${why}`;

/** Why a file cannot be read, or null. */
function unreadable(file: string): string | null {
  try {
    accessSync(file, constants.R_OK);
    return null;
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? 'nothing is stored yet' : describeError(error);
  }
}

async function newestCrowds(store: FrameStore): Promise<Crowd[]> {
  const crowds: Crowd[] = [];
  for (const host of await store.hosts()) {
    // Of those that can be read: frames ahead of a backlog cannot.
    const last = await store.lastInTurn(host);
    if (last === null) continue;
    const range = { from: last, to: last + 1 };
    for await (const frame of store.readFrames(host, range)) crowds.push(crowdOf(frame));
  }
  return crowds;
}
