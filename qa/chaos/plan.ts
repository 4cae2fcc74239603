import { Random } from '../../test/data/random.ts';

/**
 * What is disturbed: `stack` one host with all parts apart; `fleet` three hosts while workers come and go; `embedded` all
 * in one process; `outage` as `stack`, and `locked` as `embedded`, with nothing but one long outage of the store, in
 * which alerts must arrive; `real` one host with bpftrace.
 */
export const KINDS = ['stack', 'fleet', 'embedded', 'outage', 'locked', 'real'] as const;
export type Kind = (typeof KINDS)[number];

/**
 * One thing that happens to a part. `kill`: SIGKILL, started again after `pauseMs`. `stop`: SIGSTOP for so long. `leave`:
 * SIGTERM, started again. The receiver of notifications refuses everything for so long, whatever happens to it.
 */
export interface Disturbance {
  readonly at: number;
  /** Only when, from then on, the receiver accepts something; never, if it does not. */
  readonly afterAcceptance?: boolean;
  readonly what: 'kill' | 'stop' | 'leave';
  readonly part: string;
  readonly pauseMs: number;
}

/** Frames and traffic go on for so long, ms; then follows a quiet end. Real frames are longer, and start later. */
export const ACTIVE_MS: Readonly<Record<Kind, number>> = {
  stack: 12_000,
  fleet: 12_000,
  embedded: 12_000,
  outage: 24_000,
  locked: 24_000,
  real: 36_000,
};
/** Longer than any incident needs to end, and than the lease of a worker. */
export const QUIET_MS = 4000;

const PARTS: Readonly<Record<Kind, readonly string[]>> = {
  stack: ['collect-0', 'detect-0', 'detect-1', 'redis', 'influx', 'receiver'],
  fleet: [
    ...['collect-0', 'collect-1', 'collect-2', 'detect-0', 'detect-1', 'detect-2'],
    ...['redis', 'influx', 'receiver'],
  ],
  embedded: ['run-0', 'receiver'],
  outage: ['collect-0', 'detect-0', 'redis', 'influx'],
  locked: ['run-0', 'file'],
  real: ['collect-0', 'bpftrace', 'detect-0', 'detect-1', 'redis', 'influx', 'receiver'],
};

/** Kinds in which all is in one process. */
export const isEmbedded = (kind: Kind): boolean => kind === 'embedded' || kind === 'locked';

/** The store, whose outage is one of the disturbances that alerts must arrive in. */
const STORE: Partial<Readonly<Record<Kind, string>>> = { outage: 'influx', locked: 'file' };

/** The part in whose outage alerts must arrive, or null in rounds in which others are disturbed too. */
export const storeOf = (kind: Kind): string | null => STORE[kind] ?? null;

export const partsOf = (kind: Kind): readonly string[] => PARTS[kind];

/**
 * What happens in a round, by time: between three and six moments, at each of which up to three parts are hit. Of real
 * rounds bpftrace is stopped besides, once, and another part is hit meanwhile.
 */
export function planOf(kind: Kind, seed: number): Disturbance[] {
  const random = new Random(seed);
  const store = storeOf(kind);
  if (store !== null) return [outageOf(store, random)];
  const moment = () => random.integer(1500, ACTIVE_MS[kind]);
  const hits = Array.from({ length: random.integer(3, 6) }, moment).flatMap(at =>
    random
      .sample(PARTS[kind], random.integer(1, 3))
      .map(part => disturb(kind, part, at + random.integer(0, 300), random)),
  );
  if (kind === 'real') hits.push(...stopReader(moment(), random));
  return hits.sort((a, b) => a.at - b.at);
}

/**
 * Before anything else happens, the first collector is killed: what it has let go of too early is lost then. Later a
 * queue that is away could hide that, because such frames are in the spool still.
 */
export const revealing = (kind: Kind): Disturbance => ({
  at: 1000,
  what: 'kill',
  part: PARTS[kind][0] as string,
  pauseMs: 100,
});

function disturb(kind: Kind, part: string, at: number, random: Random): Disturbance {
  if (kind === 'fleet' && part.startsWith('detect') && random.next() < 0.5)
    return { at, what: 'leave', part, pauseMs: random.integer(500, 4000) };
  const what = random.next() < 0.6 ? 'kill' : 'stop';
  // Up to well past the lease of a worker, which is two seconds.
  return { at, what, part, pauseMs: what === 'kill' ? random.integer(0, 2500) : random.integer(300, 4500) };
}

/** Once detection is seen to work. Long enough for alerts that begin in it to arrive in it, also on a busy machine. */
const outageOf = (part: string, random: Random): Disturbance => ({
  at: random.integer(1500, 3000),
  afterAcceptance: true,
  what: random.next() < 0.5 ? 'kill' : 'stop',
  part,
  pauseMs: random.integer(12_000, 14_000),
});

/** The kernel goes on counting while bpftrace stands still, for several intervals. */
function stopReader(at: number, random: Random): Disturbance[] {
  const others = PARTS.real.filter(part => part !== 'bpftrace');
  return [
    { at, what: 'stop', part: 'bpftrace', pauseMs: random.integer(1500, 4500) },
    disturb('real', random.pick(others), at + random.integer(100, 1500), random),
  ];
}
