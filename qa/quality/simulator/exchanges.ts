import type { Random } from './random.ts';
import { fixedMix, mixOf } from './sizes.ts';
import { type Exchange, every, type Source } from './sources.ts';

/** What containers of the fleet say to each other, and what many of them are asked besides. */

/** Requests of some hundred bytes; responses small, or pages of some kilobytes. */
export function pages(random: Random, towards: 'in' | 'out' = 'in'): Exchange {
  const small = random.logBetween(150, 500);
  const large = random.logBetween(1500, 20_000);
  return {
    request: mixOf([{ weight: 1, median: random.logBetween(120, 800), sigma: random.between(0.2, 0.6) }]),
    response: mixOf([
      { weight: random.between(0.2, 0.8), median: small, sigma: 0.4 },
      { weight: random.between(0.2, 0.8), median: large, sigma: random.between(0.5, 1) },
    ]),
    towards,
  };
}

/** Queries and their results. */
export function queries(random: Random, towards: 'in' | 'out'): Exchange {
  return {
    request: mixOf([{ weight: 1, median: random.logBetween(80, 400), sigma: random.between(0.3, 0.8) }]),
    response: mixOf([
      { weight: random.between(0.4, 0.8), median: random.logBetween(60, 250), sigma: 0.4 },
      {
        weight: random.between(0.2, 0.6),
        median: random.logBetween(500, 5000),
        sigma: random.between(0.5, 1.1),
      },
    ]),
    towards,
  };
}

export const small = (request: number, response: number, towards: 'in' | 'out'): Exchange => ({
  request: fixedMix(request),
  response: fixedMix(response),
  towards,
});

export const healthCheck = (random: Random): Source =>
  every(2, 1, random.between(0, 2), small(random.between(80, 180), random.between(90, 300), 'in'));

export const scraped = (random: Random): Source =>
  every(15, 1, random.between(0, 15), {
    request: fixedMix(random.between(150, 300)),
    response: mixOf([{ weight: 1, median: random.logBetween(3000, 40_000), sigma: 0.02 }]),
    towards: 'in',
  });

export const keepalive = (random: Random): Source =>
  every(random.between(30, 120), 1, random.between(0, 30), small(66, 66, 'out'));

/** Half of the others are asked for their health or scraped, too. */
export function watched(own: Random): Source[] {
  return [...(own.uniform() < 0.5 ? [healthCheck(own)] : []), ...(own.uniform() < 0.5 ? [scraped(own)] : [])];
}
