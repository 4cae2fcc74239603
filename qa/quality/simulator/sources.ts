import type { Random } from './random.ts';
import type { SizeMix, Tally } from './sizes.ts';

/** What a container's traffic is a sum of. */

export const FRAME_S = 5;
export const DAY = 86_400 / FRAME_S;

/** One frame as a source sees it. */
export interface Now {
  /** Number of the frame: frame 0 is midnight of a Monday. */
  readonly frame: number;
  /** Container-wide factor: slow level, surges, stalls, deploys. */
  readonly factor: number;
  readonly random: Random;
}

/** What is received and what is sent in a frame. */
export interface Traffic {
  readonly receive: Tally;
  readonly send: Tally;
}

export type Source = (now: Now, traffic: Traffic) => void;

/** Sizes of what an exchange is made of: a request and its response. */
export interface Exchange {
  readonly request: SizeMix;
  readonly response: SizeMix;
  /** `out`: the container asks others. */
  readonly towards: 'in' | 'out';
}

/** How traffic follows the hour: 1 at the peak, 1 - depth opposite; .6 at the weekend. */
export interface Rhythm {
  readonly depth: number;
  readonly peakHour: number;
}

function rhythmAt(frame: number, { depth, peakHour }: Rhythm): number {
  const hour = ((frame % DAY) / DAY) * 24;
  const daily = 1 - depth * (0.5 - 0.5 * Math.cos((2 * Math.PI * (hour - peakHour)) / 24));
  return daily * (Math.floor(frame / DAY) % 7 >= 5 ? 0.6 : 1);
}

function exchange(n: number, { request, response, towards }: Exchange, now: Now, traffic: Traffic): void {
  if (n === 0) return;
  const inbound = towards === 'in';
  (inbound ? traffic.receive : traffic.send).add(n, request, now.random);
  (inbound ? traffic.send : traffic.receive).add(n, response, now.random);
}

/** Poisson requests at `rate` a second at the peak hour; `shape` of the Gamma that makes frames vary more than that. */
export function requests(rate: number, rhythm: Rhythm, shape: number, kind: Exchange): Source {
  return (now, traffic) => {
    const mean = FRAME_S * rate * rhythmAt(now.frame, rhythm) * now.factor * now.random.gamma(shape);
    exchange(now.random.poisson(mean), kind, now, traffic);
  };
}

/** Visitors that stay for `stayS` seconds on average and ask `each` times a second. */
export function sessions(
  perHour: number,
  stayS: number,
  each: number,
  rhythm: Rhythm,
  kind: Exchange,
): Source {
  let present = 0;
  const leaves = 1 - Math.exp(-FRAME_S / stayS);
  return (now, traffic) => {
    const { random } = now;
    present -= random.binomial(present, leaves);
    present += random.poisson(((perHour * FRAME_S) / 3600) * rhythmAt(now.frame, rhythm) * now.factor);
    exchange(random.poisson(present * each * FRAME_S), kind, now, traffic);
  };
}

/** A job at a fixed phase of each period. */
export interface Cron {
  readonly everyS: number;
  readonly phaseS: number;
  readonly jitterS: number;
  /** Median of the exchanges of a run, and the standard deviation of the logarithm. */
  readonly median: number;
  readonly spread: number;
  /** Median length of a run, seconds. */
  readonly durationS: number;
}

export function cron(job: Cron, kind: Exchange): Source {
  const period = Math.round(job.everyS / FRAME_S);
  const phase = Math.floor(job.phaseS / FRAME_S);
  let startsAt = -1;
  let left = 0;
  let perFrame = 0;
  return (now, traffic) => {
    const { random, frame } = now;
    if (frame % period === phase) {
      startsAt = frame + Math.floor(random.between(0, job.jitterS) / FRAME_S);
    }
    if (frame === startsAt) {
      left = Math.round(random.logNormal(job.median, job.spread));
      perFrame = left / Math.max(1, random.logNormal(job.durationS, 0.2) / FRAME_S);
    }
    if (left <= 0) return;
    const n = Math.min(left, Math.max(1, random.poisson(perFrame)));
    left -= n;
    exchange(n, kind, now, traffic);
  };
}

/** `n` exchanges each `sec` seconds, to the second: 2 s gives 2, 3, 2, 3 a frame. */
export function every(sec: number, n: number, phase: number, kind: Exchange): Source {
  return (now, traffic) => {
    const due = Math.floor(((now.frame + 1) * FRAME_S + phase) / sec);
    const done = Math.floor((now.frame * FRAME_S + phase) / sec);
    exchange((due - done) * n, kind, now, traffic);
  };
}

/** Runs that start at any time; `minutes` and `rate` (exchanges a second) are medians. */
export function batch(perDay: number, minutes: number, rate: number, kind: Exchange): Source {
  let left = 0;
  let current = 0;
  return (now, traffic) => {
    const { random } = now;
    if (random.uniform() < perDay / DAY) {
      left = Math.max(1, (random.logNormal(minutes, 0.7) * 60) / FRAME_S);
      current = random.logNormal(rate, 0.5);
    }
    if (left <= 0) return;
    left--;
    exchange(random.poisson(FRAME_S * current * now.factor * random.gamma(8)), kind, now, traffic);
  };
}

/** A backup each day at `hour`, for about `minutes`, `rate` bytes a second in messages of 32 KiB. */
export function nightly(hour: number, minutes: number, rate: number, block: SizeMix): Source {
  let starts = -1;
  let left = 0;
  let bytesPerS = rate;
  return (now, traffic) => {
    const { random } = now;
    if (now.frame % DAY === 0 || starts < 0) {
      starts = now.frame - (now.frame % DAY) + Math.round((hour * 3600 + random.between(0, 120)) / FRAME_S);
    }
    if (now.frame === starts) {
      left = Math.round((random.logNormal(minutes, 0.1) * 60) / FRAME_S);
      bytesPerS = random.logNormal(rate, 0.1);
    }
    if (left <= 0) return;
    left--;
    const n = random.poisson((bytesPerS * FRAME_S * random.gamma(30)) / 32_768);
    traffic.send.add(n, block, random);
    // The other side acknowledges at its own pace.
    traffic.receive.add(random.binomial(n, 0.1), { classes: [{ index: 0, share: 1, mean: 40 }] }, random);
  };
}

/** Subscribers of a stream that come and go: `mean` of them, each `stayS` seconds, each `rate` messages a second. */
export function levels(mean: number, stayS: number, rate: number, rhythm: Rhythm, kind: Exchange): Source {
  let present = -1;
  const leaves = 1 - Math.exp(-FRAME_S / stayS);
  return (now, traffic) => {
    const { random } = now;
    if (present < 0) present = random.poisson(mean);
    present -= random.binomial(present, leaves);
    present += random.poisson(mean * leaves * rhythmAt(now.frame, rhythm));
    const n = random.poisson(present * rate * FRAME_S * now.factor);
    traffic.send.add(n, kind.response, random);
    traffic.receive.add(random.binomial(n, 0.1), kind.request, random);
  };
}

/** A few exchanges an hour, at any time. */
export function sporadic(perHour: number, kind: Exchange): Source {
  return (now, traffic) => exchange(now.random.poisson((perHour * FRAME_S) / 3600), kind, now, traffic);
}
