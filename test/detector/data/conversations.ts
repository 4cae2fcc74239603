import { type ConnectionRow, compareConnections } from '../../../core/traffic/connection.ts';
import { compareFlows, type Flow, NO_EXCHANGE } from '../../../core/traffic/flow.ts';
import type { Container, Frame, Window } from '../../../core/traffic/frame.ts';
import { container, frame } from './frames.ts';
import { random } from './traffic.ts';

/**
 * Synthetic conversations in frames of 5 s: what containers of many kinds say to whom when nothing is wrong, with
 * peers that are needed seldom, deploys, failures and addresses that rotate.
 */

type Random = () => number;
/** What one container does in frame `i`. */
type Behaviour = (i: number) => { flows: Flow[]; connections: ConnectionRow[] };

export const FRAMES_A_DAY = 17_280;

function poisson(r: Random, mean: number): number {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * gauss(r)));
  const end = Math.exp(-mean);
  let n = -1;
  for (let product = 1; product > end; product *= r()) n++;
  return n;
}
const gauss = (r: Random) => Math.sqrt(-2 * Math.log(1 - r())) * Math.cos(2 * Math.PI * r());

/** A conversation as a client: `n` exchanges of these sizes, `opened` connections of them. */
export const talk = (to: Partial<Flow>, n: number, sent: number, received: number, opened = 0): Flow => ({
  container: '',
  protocol: 'tcp',
  role: 'client',
  peerKind: 'container',
  peer: '',
  port: 80,
  address: '',
  ...NO_EXCHANGE,
  sentMessages: n,
  sentBytes: Math.round(n * sent),
  receivedMessages: n,
  receivedBytes: Math.round(n * received),
  connections: opened,
  ...to,
});

export const row = (kind: ConnectionRow['kind'], peer: string, port: number, count = 1): ConnectionRow => ({
  container: '',
  kind,
  own: '172.18.0.9',
  peer,
  port,
  clientPort: 0,
  count,
});

const service = (name: string, port: number): Partial<Flow> => ({ peer: name, port, address: '172.18.0.5' });
const outside = (address: string, port = 443): Partial<Flow> => ({ peerKind: 'outside', port, address });
const someAddress = (r: Random, pool: number) => `52.${Math.floor(r() * pool)}.7.1`;

const none = { flows: [], connections: [] };
const all = (...parts: { flows: Flow[]; connections: ConnectionRow[] }[]) => ({
  flows: parts.flatMap(({ flows }) => flows),
  connections: parts.flatMap(({ connections }) => connections),
});

const steady =
  (r: Random, to: Partial<Flow>, mean: number, sent: number, received: number): Behaviour =>
  () => {
    const n = poisson(r, mean * (0.7 + 0.6 * r()));
    return n === 0 ? none : { flows: [talk(to, n, sent * (0.8 + 0.4 * r()), received)], connections: [] };
  };

/** A call each so many frames, as polls, scrapes and keepalives are. */
const periodic =
  (every: number, to: Partial<Flow>, sent: number, received: number, phase = 0): Behaviour =>
  i =>
    i % every === phase ? { flows: [talk(to, 1, sent, received, 1)], connections: [] } : none;

/** Visits to addresses outside that rotate, `mean` a frame. */
const crawl =
  (r: Random, mean: number, pool: number, failing = 0.02): Behaviour =>
  () => {
    const n = poisson(r, mean);
    if (n === 0) return none;
    const flows = [talk(outside(someAddress(r, pool)), n * 4, 600, 20_000, n)];
    const connections = Array.from({ length: Math.min(n, 64) }, () =>
      row(r() < failing ? 'failed' : 'opened', someAddress(r, pool), 443),
    );
    return { flows, connections };
  };

/** An API outside with a few addresses, each used for some minutes. */
const api =
  (r: Random, every: number): Behaviour =>
  i => {
    if (i % every !== 0) return none;
    const address = `140.82.${Math.floor(i / 60) % 5}.${Math.floor(r() * 2)}`;
    return { flows: [talk(outside(address), 2, 900, 4000, 1)], connections: [row('opened', address, 443)] };
  };

/** Somebody who is talked to a few times a week: `perDay` visits of a few frames, small. */
function seldom(r: Random, to: Partial<Flow>, perDay: number, bytes = 3000): Behaviour {
  let left = 0;
  return () => {
    if (left === 0 && r() < perDay / FRAMES_A_DAY) left = 1 + Math.floor(r() * 4);
    if (left === 0) return none;
    left--;
    return { flows: [talk(to, 1 + Math.floor(r() * 5), bytes, 5000, 1)], connections: [] };
  };
}

/** Each night at the same hour, some minutes. */
const nightly =
  (r: Random, hour: number, to: Partial<Flow>, bytesPerFrame: number): Behaviour =>
  i => {
    const minute = ((i % FRAMES_A_DAY) / FRAMES_A_DAY) * 1440 - hour * 60;
    if (minute < 0 || minute > 12) return none;
    return { flows: [talk(to, 300, (bytesPerFrame * (0.8 + 0.4 * r())) / 300, 50, 1)], connections: [] };
  };

/** A dependency is away a few times: every attempt fails. */
function outage(r: Random, port: number): Behaviour {
  let left = 0;
  return () => {
    if (left === 0 && r() < 0.3 / FRAMES_A_DAY) left = 24 + Math.floor(r() * 60);
    if (left === 0) return none;
    left--;
    return {
      flows: [
        talk(
          {
            ...service('db', port),
            sentMessages: 0,
            sentBytes: 0,
            receivedMessages: 0,
            receivedBytes: 0,
            failures: 8,
          },
          0,
          0,
          0,
        ),
      ],
      connections: [row('failed', '172.18.0.5', port, 8)],
    };
  };
}

const together =
  (...parts: Behaviour[]): Behaviour =>
  i =>
    all(...parts.map(part => part(i)));

export const KINDS: Readonly<Record<string, (r: Random) => Behaviour>> = {
  web: r =>
    together(
      steady(r, service('db', 5432), 20, 300, 2000),
      steady(r, service('cache', 6379), 60, 80, 400),
      outage(r, 5432),
      seldom(r, service('mailer', 25), 1),
    ),
  'web with an API outside': r =>
    together(
      steady(r, service('db', 5432), 5, 300, 2000),
      api(r, 12),
      seldom(r, outside('1.2.3.4', 80), 0.5),
    ),
  'quiet site': r =>
    together(steady(r, service('db', 3306), 0.05, 300, 2000), seldom(r, outside('9.9.9.9'), 0.4)),
  database: r => nightly(r, 3, outside('52.1.1.1'), 25e6),
  worker: r =>
    together(
      periodic(1, service('queue', 6379), 60, 20),
      steady(r, service('db', 5432), 2, 500, 500),
      seldom(r, outside('8.8.8.8'), 3, 40_000),
    ),
  'cron each minute': r =>
    together(periodic(12, service('db', 5432), 400, 800, 3), seldom(r, service('report', 9000), 0.3)),
  'cron each hour': () => periodic(720, service('db', 5432), 4000, 8000, 5),
  scraper: r =>
    together(
      ...Array.from({ length: 12 }, (_, n) =>
        periodic(3, service(`app-${n}`, 9100 + n), 200, 5000 + 100 * n, n % 3),
      ),
      outage(r, 9100),
    ),
  'log shipper': r => steady(r, service('loki', 3100), 3, 40_000, 50),
  crawler: r => crawl(r, 8, 200),
  'updates now and then': r =>
    together(seldom(r, outside('151.101.2.132', 80), 1), seldom(r, outside('151.101.2.132'), 1)),
  proxy: r =>
    together(...Array.from({ length: 6 }, (_, n) => steady(r, service(`app-${n}`, 8080), 10, 500, 4000))),
  'name lookups': r =>
    together(
      steady(r, { ...outside('1.1.1.1', 53), protocol: 'udp' }, 1, 50, 150),
      steady(r, service('db', 5432), 1, 100, 100),
    ),
  idle: () => () => none,
};

/** A container that does so, with deploys: quiet for 20 s, then a new container, at times with a dependency more. */
export function* life(name: string, seed: number, days: number): Generator<Frame> {
  const r = random(seed);
  const behave = KINDS[name]?.(r) ?? (() => none);
  let generation = 0;
  let away = 0;
  let extra: Behaviour = () => none;
  for (let i = 0; i < days * FRAMES_A_DAY; i++) {
    const hour = ((i % FRAMES_A_DAY) / FRAMES_A_DAY) * 24;
    if (away === 0 && hour > 8 && hour < 18 && r() < 0.36 / FRAMES_A_DAY) away = 5;
    if (away > 1) {
      away--;
      yield frame(i, [], []);
      continue;
    }
    const started = away === 1;
    if (started) {
      away = 0;
      generation++;
      if (r() < 0.5) extra = periodic(6, service(`feature-${generation}`, 7000 + generation), 300, 300, 2);
    }
    yield frameOf(i, together(behave, extra)(i), started ? [CONTAINER] : []);
  }
}

const CONTAINER = 'one';
const one: Container = container(CONTAINER, { service: 'shop/one', replica: '1' });
const everyone = [
  one,
  ...['db', 'cache', 'queue', 'mailer'].map(name =>
    container(name, { service: `shop/${name}`, replica: '1' }),
  ),
];

/** Frame `i` of the container with these conversations, and windows that they add up to. */
export function frameOf(
  i: number,
  { flows, connections }: { flows: readonly Flow[]; connections: readonly ConnectionRow[] },
  started: readonly string[] = [],
): Frame {
  const own = <Row extends object>(rows: readonly Row[]) =>
    rows.map(each => ({ ...each, container: CONTAINER }));
  const windows: Window[] = [];
  const sum = (key: 'sentMessages' | 'sentBytes' | 'receivedMessages' | 'receivedBytes') =>
    flows.reduce((total, flow) => total + flow[key], 0);
  const add = (direction: Window['direction'], messages: number, bytes: number) => {
    if (messages > 0)
      windows.push({ container: CONTAINER, direction, messages, bytes, sizes: [[64, messages]] });
  };
  add('send', sum('sentMessages'), sum('sentBytes'));
  add('receive', sum('receivedMessages'), sum('receivedBytes'));
  return frame(i, everyone, windows, {
    flows: own(flows).sort(compareFlows),
    connections: own(connections).sort(compareConnections),
    started,
  });
}
