import { healthCheck, keepalive, pages, queries, scraped, small, watched } from './exchanges.ts';
import type { Rates } from './factors.ts';
import type { Random } from './random.ts';
import { fixedMix, mixOf } from './sizes.ts';
import {
  batch,
  cron,
  type Exchange,
  every,
  levels,
  nightly,
  type Rhythm,
  requests,
  type Source,
  sessions,
  sporadic,
} from './sources.ts';

/** The kinds of container of the fleet. */
export const KINDS = [
  'web',
  'quiet site',
  'database',
  'cache',
  'job each minute',
  'job each 5 minutes and hour',
  'batch',
  'health check only',
  'idle',
  'worker',
  'scraper',
  'log shipper',
  'stream',
] as const;
export type Kind = (typeof KINDS)[number];

/** A service of the fleet: what each of its replicas is made of. */
export interface Service {
  readonly kind: Kind;
  readonly name: string;
  readonly replicas: number;
  /** Standard deviation of the slow level's logarithm, and its correlation time in seconds. */
  readonly slow: { readonly sd: number; readonly correlationS: number };
  readonly rates: Rates;
  /** The sources of one replica; each replica has its own. */
  sources(random: Random): Source[];
}

/** 47 containers of 13 kinds; a seed draws all parameters. */
export function fleet(random: Random): Service[] {
  return [
    ...[
      [20, 200],
      [3, 20],
      [0.5, 3],
      [3, 60],
    ].map(([low = 1, high = 1], i) => web(random, i, low, high)),
    ...times(3, i => quietSite(random, i)),
    ...times(4, i => database(random, i)),
    ...times(2, i => cache(random, i)),
    ...times(3, i => minuteJob(random, i)),
    ...times(3, i => hourlyJob(random, i)),
    ...times(3, i => batchJob(random, i)),
    ...times(3, i => service(random, 'health check only', i, own => [healthCheck(own)])),
    ...times(3, i => idle(random, i)),
    ...times(4, i => worker(random, i)),
    ...times(2, i => scraper(random, i)),
    ...times(2, i => logShipper(random, i)),
    ...times(3, i => stream(random, i)),
  ];
}

const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

function service(
  random: Random,
  kind: Kind,
  i: number,
  sources: (own: Random) => Source[],
  replicas = 1,
): Service {
  return {
    kind,
    name: `${kind.replaceAll(' ', '-')}-${i + 1}`,
    replicas,
    slow: { sd: random.logBetween(0.08, 0.3), correlationS: random.logBetween(120, 1200) },
    rates: {
      surges: random.between(0.2, 0.4),
      stalls: 0.2,
      deploys: random.logBetween(0.05, 0.25),
    },
    sources,
  };
}

const rhythm = (random: Random): Rhythm => ({
  depth: random.between(0.2, 0.9),
  peakHour: random.between(9, 22),
});

function web(random: Random, i: number, low: number, high: number): Service {
  const rate = random.logBetween(low, high);
  const when = rhythm(random);
  const shape = random.logBetween(5, 60);
  const kind = pages(random);
  const calls = queries(random, 'out');
  const perRequest = random.between(0.5, 3);
  const extra = random.uniform() < 0.5;
  return service(
    random,
    'web',
    i,
    own => [
      requests(rate, when, shape, kind),
      requests(rate * perRequest, when, shape, calls),
      ...(extra ? [healthCheck(own), scraped(own)] : []),
    ],
    3,
  );
}

function quietSite(random: Random, i: number): Service {
  const visits = random.logBetween(2, 25);
  const stay = random.logBetween(12, 300);
  const each = random.logBetween(0.1, 1);
  const when = rhythm(random);
  const kind = pages(random);
  return service(random, 'quiet site', i, own => [sessions(visits, stay, each, when, kind), ...watched(own)]);
}

function database(random: Random, i: number): Service {
  const rate = random.logBetween(1, 300);
  const shape = random.logBetween(5, 60);
  const kind = queries(random, 'in');
  const when = rhythm(random);
  const job: Parameters<typeof cron>[0] = {
    everyS: 3600,
    phaseS: random.between(0, 3600),
    jitterS: random.between(0, 10),
    median: random.logBetween(200, 20_000),
    spread: random.between(0.1, 0.3),
    durationS: random.logBetween(10, 300),
  };
  const jobKind = queries(random, 'in');
  const block = fixedMix(32_768);
  const hour = random.between(0, 6);
  const minutes = random.logBetween(4, 30);
  const bytesPerS = random.logBetween(2e6, 13e6);
  return service(random, 'database', i, own => [
    requests(rate, when, shape, kind),
    cron(job, jobKind),
    nightly(hour, minutes, bytesPerS, block),
    ...watched(own),
  ]);
}

function cache(random: Random, i: number): Service {
  const rate = random.logBetween(50, 800);
  const shape = random.logBetween(8, 60);
  const when = rhythm(random);
  const kind: Exchange = {
    request: mixOf([{ weight: 1, median: random.logBetween(40, 120), sigma: 0.4 }]),
    response: mixOf([{ weight: 1, median: random.logBetween(60, 2000), sigma: random.between(0.5, 1) }]),
    towards: 'in',
  };
  return service(random, 'cache', i, own => [requests(rate, when, shape, kind), ...watched(own)]);
}

function job(random: Random, everyS: number, low: number, high: number, shortest: number, longest: number) {
  return {
    everyS,
    phaseS: random.between(0, everyS),
    jitterS: random.between(0, 5),
    median: random.logBetween(low, high),
    spread: random.between(0.1, 0.4),
    durationS: random.logBetween(shortest, longest),
  };
}

function minuteJob(random: Random, i: number): Service {
  const each = job(random, 60, 3, 80, 1, 15);
  const kind = queries(random, 'out');
  return service(random, 'job each minute', i, own => [cron(each, kind), ...watched(own)]);
}

function hourlyJob(random: Random, i: number): Service {
  const often = job(random, 300, 10, 1000, 3, 60);
  const hourly = job(random, 3600, 50, 10_000, 10, 300);
  const kind = queries(random, 'out');
  const large = queries(random, 'out');
  return service(random, 'job each 5 minutes and hour', i, own => [
    cron(often, kind),
    cron(hourly, large),
    ...watched(own),
  ]);
}

function batchJob(random: Random, i: number): Service {
  const perDay = random.logBetween(2, 9);
  const minutes = random.logBetween(2, 25);
  const rate = random.logBetween(3, 200);
  const kind = pages(random, 'out');
  return service(random, 'batch', i, own => [
    batch(perDay, minutes, rate, kind),
    keepalive(own),
    ...watched(own),
  ]);
}

function idle(random: Random, i: number): Service {
  const perHour = random.logBetween(1, 8);
  const kind = pages(random);
  return service(random, 'idle', i, () => [sporadic(perHour, kind)]);
}

function worker(random: Random, i: number): Service {
  const perHour = random.logBetween(10, 200);
  const rate = random.logBetween(1, 20);
  const minutes = random.logBetween(0.1, 1);
  const poll = random.between(5, 20);
  const kind = queries(random, 'out');
  return service(random, 'worker', i, own => [
    batch(perHour * 24, minutes, rate, kind),
    every(poll, 1, own.between(0, poll), small(90, 70, 'out')),
    ...watched(own),
  ]);
}

function scraper(random: Random, i: number): Service {
  const targets = Math.round(random.logBetween(8, 60));
  const kind: Exchange = {
    request: fixedMix(random.between(180, 300)),
    response: mixOf([
      { weight: 1, median: random.logBetween(3000, 30_000), sigma: random.between(0.3, 0.8) },
    ]),
    towards: 'out',
  };
  return service(random, 'scraper', i, own => [every(15, targets, own.between(0, 15), kind)]);
}

function logShipper(random: Random, i: number): Service {
  const rate = random.logBetween(0.5, 20);
  const when = rhythm(random);
  const kind: Exchange = {
    request: mixOf([{ weight: 1, median: random.logBetween(1500, 12_000), sigma: random.between(0.4, 0.9) }]),
    response: fixedMix(random.between(60, 200)),
    towards: 'out',
  };
  const shape = random.logBetween(3, 30);
  return service(random, 'log shipper', i, own => [requests(rate, when, shape, kind), ...watched(own)]);
}

function stream(random: Random, i: number): Service {
  const mean = random.logBetween(3, 60);
  const stay = random.logBetween(600, 7200);
  const each = random.logBetween(0.3, 4);
  const when = rhythm(random);
  const kind: Exchange = {
    request: fixedMix(random.between(50, 120)),
    response: mixOf([{ weight: 1, median: random.logBetween(150, 3000), sigma: random.between(0.2, 0.6) }]),
    towards: 'in',
  };
  return service(random, 'stream', i, own => [levels(mean, stay, each, when, kind), ...watched(own)]);
}
