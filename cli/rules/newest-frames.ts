import { filesOf, makeStore } from '../../app/wire.ts';
import type { Config } from '../../core/config/config.ts';
import { describeError, errorCode } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Store } from '../../store/contract.ts';
import { unreadable, using } from '../open-data.ts';

/** The newest stored frame of every host, or why there is none. */
export type NewestFrames = { readonly frames: readonly Frame[] } | { readonly why: string };

/** For what is compared with the containers that there are: a store that is away is no error then. */
export async function newestFrames(config: Config, log: Log): Promise<NewestFrames> {
  try {
    const missing = unreadable(filesOf(config).store);
    if (missing !== null) throw missing;
    const frames = await using(makeStore(config, log, { readOnly: true }), newestOf);
    return frames.length === 0 ? { why: 'nothing is stored yet' } : { frames };
  } catch (error) {
    return { why: errorCode(error) === 'ENOENT' ? 'nothing is stored yet' : describeError(error) };
  }
}

async function newestOf(store: Store): Promise<Frame[]> {
  await store.open();
  const frames: Frame[] = [];
  for (const host of await store.hosts()) {
    // Of those that can be read: frames ahead of a backlog cannot.
    const last = await store.lastInTurn(host);
    if (last === null) continue;
    for await (const frame of store.readFrames(host, { from: last, to: last + 1 })) frames.push(frame);
  }
  return frames;
}
