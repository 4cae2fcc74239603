import type { HostFold } from '../../alert/host.ts';
import { createHostFold } from '../../alert/host.ts';
import { createPipeline } from '../../alert/pipeline.ts';
import { createRouter, NO_GROUPING } from '../../alert/policy/router.ts';
import type { Clock } from '../../core/clock.ts';
import { ExchangeError } from '../../core/errors.ts';
import type { Incident } from '../../core/incident/incident.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { createFold } from '../../detector/fold/fold.ts';
import { DEFAULT_LIMITS } from '../../detector/fold/subjects.ts';
import { DETECTORS } from '../../detector/index.ts';
import type { Limits } from '../../notify/contract.ts';
import type { State } from '../../state/contract.ts';
import { createState } from '../../state/index.ts';
import type { Store } from '../../store/contract.ts';
import { createStore } from '../../store/index.ts';
import type { Policy } from '../../worker/deliveries/deliver.ts';
import { frameOf } from '../data/frames.ts';
import { recordingLog } from '../parts/log.ts';

/** One message at a time, as soon as the last is answered, for a day. */
export const LIMITS: Limits = { concurrency: 1, spacingMs: 0, giveUpMs: 86_400_000 };

/** Every message goes out by itself, as soon as it can. */
export const UNGROUPED: Policy = { router: createRouter(NO_GROUPING, []), inhibitorOf: null };

/** A fold with one rule: bytes sent above the limit, in bytes per second. Incidents end after 10 s of quiet. */
export function limitFold(limit: number, receivers: readonly string[] = ['chat']): HostFold {
  const rule = {
    use: 'threshold',
    name: 'limit',
    match: { kind: 'any', container: '*', service: '*', image: '*' } as const,
    options: DETECTORS.find(detector => detector.name === 'threshold')?.options.parse({
      metric: 'bytes',
      direction: 'send',
      above: `${limit}B/s`,
      for: '0s',
    }),
  };
  return createHostFold({
    fold: createFold({ rules: [rule], detectors: DETECTORS, limits: DEFAULT_LIMITS }),
    pipeline: createPipeline({ alert: { resolve_after: 10_000, critical_score: 3 }, receivers }),
  });
}

/** Store and state in SQLite files of a folder, as `tidegauge run` has them. `rawMs`: how long `expire` leaves frames. */
export function openFiles(folder: string, clock: Clock, rawMs?: number): { store: Store; state: State } {
  const { log } = recordingLog();
  const sqlite = { file: '' };
  const retention = rawMs === undefined ? {} : { retention: { raw: rawMs, minute: rawMs, hour: rawMs } };
  return {
    store: createStore({ kind: 'sqlite', sqlite, ...retention } as Parameters<typeof createStore>[0], {
      data: folder,
      log,
    }),
    state: createState(
      { data: folder, state: { kind: 'sqlite', sqlite } } as Parameters<typeof createState>[0],
      { clock, log },
    ),
  };
}

/** The state, which rejects a method's calls, to be tried again, as long as `refuses` says so of its name. */
export function refusing(state: State, refuses: (method: string) => boolean): State {
  return new Proxy(state, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]) => {
        if (!refuses(String(name))) return method.apply(target, args);
        const problem = { place: 'state', expected: 'an answer', found: 'none', remedy: 'Wait.' };
        throw new ExchangeError(problem, { retry: true });
      };
    },
  });
}

/** Frame `n` in which container `web` sends at `rate` bytes per second (0: silent). */
export function webFrame(n: number, rate: number, host = 'box'): Frame {
  const web = {
    name: 'web',
    kind: 'container',
    service: 'shop',
    replica: '1',
    image: 'web:1',
    id: 'abc',
  } as const;
  const bytes = rate * 5;
  const windows =
    rate === 0
      ? []
      : [{ container: 'web', direction: 'send' as const, messages: 1, bytes, sizes: [[65_536, 1]] as const }];
  return frameOf(host, n, { containers: [web], windows });
}

/** Rates with two bursts above 1,000,000 B/s: frames 5 to 7 and 20. */
export const STORY: readonly Frame[] = Array.from({ length: 30 }, (_, n) =>
  webFrame(n, (n >= 5 && n <= 7) || n === 20 ? 2_000_000 : 100_000),
);

/** What the fold itself says of frames: final form of every incident, by start. */
export function incidentsOf(fold: HostFold, frames: readonly Frame[]): Incident[] {
  const incidents = new Map<string, Incident>();
  let state = fold.init();
  for (const frame of frames) {
    const step = fold.step(state, frame);
    state = step.state;
    for (const incident of step.incidents) incidents.set(incident.id, incident);
  }
  return [...incidents.values()];
}
