/** A day of synthetic traffic in windows of 5 s, bytes per second: what containers do when nothing is wrong. */

export const WINDOWS_A_DAY = 17_280;

/** Mulberry32: small, seeded, the same everywhere. */
export function random(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Random = () => number;

const gauss = (r: Random) => Math.sqrt(-2 * Math.log(1 - r())) * Math.cos(2 * Math.PI * r());
/** Log-normal of a mean. */
const around = (r: Random, mean: number, sigma: number) => mean * Math.exp(sigma * gauss(r) - sigma ** 2 / 2);

/** Events of a Poisson process, by Knuth's product (for small means). */
function poisson(r: Random, mean: number): number {
  const end = Math.exp(-mean);
  let n = -1;
  for (let product = 1; product > end; product *= r()) n++;
  return n;
}

const day = (next: (i: number) => number) => Array.from({ length: WINDOWS_A_DAY }, (_, i) => next(i));

/** Requests of a Poisson process with log-normal sizes. */
const requests = (aWindow: number, size: number, sigma: number) => (r: Random) =>
  day(() => {
    let bytes = 0;
    for (let n = poisson(r, aWindow); n > 0; n--) bytes += around(r, size, sigma);
    return bytes / 5;
  });

/** Log-normal around 200 kB/s, correlated from window to window. */
const autocorrelated = (rho: number, sigma: number) => (r: Random) => {
  let x = 0;
  return day(() => {
    x = rho * x + sigma * Math.sqrt(1 - rho ** 2) * gauss(r);
    return 2e5 * Math.exp(x);
  });
};

export const ORDINARY: Readonly<Record<string, (r: Random) => number[]>> = {
  'busy Poisson': requests(30, 30_000, 1),
  'rare Poisson': requests(5, 20_000, 1),
  'sparse transfers': requests(0.25, 100_000, 0.7),
  'on and off': r => {
    let on = false;
    return day(() => {
      on = on ? r() > 0.25 : r() < 0.04;
      return around(r, on ? 4e5 : 1e5, 0.3);
    });
  },
  'idle with transfers': r => {
    let idle = 0;
    return day(() => {
      if (idle-- > 0) return 0;
      idle = 6 + Math.floor(r() * 12);
      return around(r, 4e5, 0.3);
    });
  },
  'a job every minute': r => day(i => around(r, i % 12 === 7 ? 2e6 : 1e5, 0.1)),
  'a job every 5 minutes': r => day(i => around(r, i % 60 === 7 ? 2e6 : 1e5, 0.1)),
  autocorrelated: autocorrelated(0.9, 0.5),
  daily: r => day(i => around(r, 3e5 * (1 + 0.8 * Math.sin((i / WINDOWS_A_DAY) * 2 * Math.PI)), 0.3)),
  exponential: r => day(() => -1e5 * Math.log(1 - r())),
  zeros: () => day(() => 0),
  flat: () => day(() => 123_456),
  growing: r => day(i => around(r, 1e5 * (1 + (i / WINDOWS_A_DAY) * 20), 0.05)),
};
