import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../core/clock.ts';
import { Random } from '../../test/data/random.ts';
import { trickleScript } from '../../test/data/traffic.ts';
import { makeCgroup } from '../../test/parts/kernel/cgroup.ts';

/** Real traffic in a cgroup of our own. */
export interface Actor {
  /** Glob of its name in frames. */
  readonly container: string;
  /** Above this rate the rule of a round alarms: between its trickle and its bursts. */
  readonly limit: string;
  stop(): Promise<void>;
}

/** A trickle, with a burst every few seconds until `quietFrom` (epoch ms), which may change. */
export async function startActor(seed: number, times: { readonly quietFrom: number }): Promise<Actor> {
  const random = new Random(seed + 2);
  const cgroup = await makeCgroup(`tidegauge-chaos-${process.pid}-${seed}`);
  const child = cgroup.start('perl', '-e', trickleScript(1));
  const ended = new AbortController();
  const bursts = (async () => {
    for (;;) {
      // First of all time for it to start: until then the signal would end it.
      await sleep(random.integer(2500, 5000), undefined, { signal: ended.signal }).catch(() => undefined);
      if (ended.signal.aborted || systemClock.now() >= times.quietFrom) return;
      child.process.kill('SIGUSR1');
    }
  })();
  return {
    container: `*${cgroup.path}*`,
    limit: '200kB/s',
    async stop() {
      ended.abort();
      await bursts;
      await child.stop('SIGKILL');
      await cgroup.remove();
    },
  };
}
