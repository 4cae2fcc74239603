import { aborted } from '../../core/aborted.ts';
import type { Clock } from '../../core/clock.ts';
import type { LabEngine } from './engine.ts';
import type { Done } from './recording.ts';
import { MEMBERS, type Member, nameOf, OUTSIDE_ADDRESS, serviceOf, WORLD } from './services.ts';

/** One kind of incident: whom it befalls, for how long, and how it is made. */
export interface Incident extends Pick<Done, 'kind' | 'about' | 'expected'> {
  readonly services: readonly string[];
  readonly touched: readonly string[];
  readonly seconds: number;
  /** Seconds until it has its full size. */
  readonly ramp?: number;
  /** Make it happen, and resolve when it is over: at once when the signal is aborted. */
  play(stage: Stage): Promise<Span>;
}

/** When it happened, epoch ms. */
type Span = Pick<Done, 'from' | 'until'>;

export interface Stage {
  readonly engine: LabEngine;
  readonly lengthMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const OUTSIDE = `${OUTSIDE_ADDRESS}:443`;
const replicas = (service: string): readonly Member[] => MEMBERS.filter(member => member.service === service);
const only = (service: string): string => nameOf({ service, replica: 1 });
const addresses = (service: string, port: number): string[] =>
  replicas(service).map(({ address }) => `${address}:${port}`);

/** A second program in a container: `kind`, messages a second and their bytes, and whom to. */
interface Intrusion {
  readonly kind: 'send' | 'grow' | 'scan' | 'beacon';
  readonly rate: number;
  readonly size?: number;
  /** As `HOST:PORT`. */
  readonly to: readonly string[];
}

const intrusion =
  (container: string, { kind, rate, size = 1, to }: Intrusion) =>
  async ({ engine, lengthMs, clock, signal }: Stage): Promise<Span> => {
    const asked = clock.now();
    const options = ['--rate', `${rate}`, '--size', `${size}`];
    const ended = engine.intrude(container, kind, `${lengthMs}`, ...to, ...options);
    const printed = await Promise.race([ended, aborted(signal)]);
    // On a busy machine it begins seconds after it was asked for: it knows best when.
    const [, from, until] = /from (\d+) until (\d+)/.exec(printed ?? '') ?? [];
    return { from: Number(from ?? asked), until: Number(until ?? clock.now()) };
  };

/** Something that is done, and undone after the time. */
const between =
  (begin: (engine: LabEngine) => void, end: (engine: LabEngine) => void) =>
  async ({ engine, lengthMs, clock, signal }: Stage): Promise<Span> => {
    const from = clock.now();
    begin(engine);
    await clock.sleep(from + lengthMs - clock.now(), signal);
    end(engine);
    return { from, until: clock.now() };
  };

/** In the order in which they are made. Each befalls containers that no other does, as far as the same rule would tell. */
export const INCIDENTS: readonly Incident[] = [
  {
    kind: 'exfiltration',
    about: 'the database sends 5 MB/s to the outside in messages of 32 KB',
    expected: 'abrupt',
    services: ['db'],
    touched: [],
    seconds: 60,
    play: intrusion(only('db'), { kind: 'send', rate: 160, size: 32_768, to: [OUTSIDE] }),
  },
  {
    kind: 'scan',
    about: 'the worker tries 40 ports a second of five containers',
    expected: 'abrupt',
    services: ['worker'],
    touched: [],
    seconds: 60,
    play: intrusion(only('worker'), {
      kind: 'scan',
      rate: 40,
      to: MEMBERS.slice(0, 5).map(({ address }) => `${address}:0`),
    }),
  },
  {
    kind: 'replica',
    about: 'one of three replicas gets 1.8 times its traffic, the two others 0.6 times',
    expected: 'gradual',
    services: ['web'],
    touched: [],
    seconds: 120,
    play: between(
      engine => engine.toggleFault(only('visitors')),
      engine => engine.toggleFault(only('visitors')),
    ),
  },
  {
    kind: 'beacon',
    about: 'a busy container calls the outside every 5 s, with 120 B',
    expected: 'gradual',
    services: ['api'],
    touched: [],
    seconds: 150,
    play: intrusion(only('api'), { kind: 'beacon', rate: 0.2, size: 120, to: [OUTSIDE] }),
  },
  {
    kind: 'silence',
    about: 'the queue is paused: it is there and says nothing',
    expected: 'gradual',
    services: ['queue'],
    touched: ['worker'],
    seconds: 120,
    play: between(
      engine => engine.pause(only('queue')),
      engine => engine.resume(only('queue')),
    ),
  },
  {
    kind: 'sizes',
    about: 'files are served in half their size',
    expected: 'gradual',
    services: ['files'],
    touched: ['api', 'worker'],
    seconds: 180,
    play: between(
      engine => engine.toggleFault(only('files')),
      engine => engine.toggleFault(only('files')),
    ),
  },
  {
    kind: 'deploy',
    about: 'the three replicas are replaced by those of a newer image, one after the other',
    expected: 'nothing',
    services: ['web'],
    touched: [],
    seconds: 60,
    async play({ engine, lengthMs, clock, signal }) {
      const from = clock.now();
      for (const [i, member] of replicas('web').entries()) {
        await clock.sleep(from + (i * lengthMs) / 3 - clock.now(), signal);
        if (!signal.aborted) engine.deploy(member);
      }
      await clock.sleep(from + lengthMs - clock.now(), signal);
      return { from, until: clock.now() };
    },
  },
  {
    kind: 'leak',
    about: 'the cache, which sends 3 to 7 kB/s, sends to the outside besides: within 2 minutes up to 8 kB/s',
    expected: 'gradual',
    services: ['cache'],
    touched: [],
    seconds: 210,
    ramp: 120,
    play: intrusion(only('cache'), { kind: 'grow', rate: 4, size: 2000, to: [OUTSIDE] }),
  },
  {
    kind: 'stop and start',
    about: 'the search server is stopped, and started two minutes later',
    expected: 'gradual',
    services: ['search'],
    touched: ['api', 'partners', 'monitor'],
    seconds: 120,
    play: between(
      engine => engine.halt(only('search')),
      engine => engine.start(only('search')),
    ),
  },
  {
    kind: 'flood',
    about: 'the outside asks each replica 60 times a second, some twenty times as often as usual',
    expected: 'abrupt',
    services: ['web'],
    touched: ['db', 'cache', 'standby'],
    seconds: 60,
    async play(stage) {
      const asking = addresses('web', 8080).map(place =>
        intrusion(only(WORLD), { kind: 'send', rate: 60, size: 100, to: [place] })(stage),
      );
      const spans = await Promise.all(asking);
      return {
        from: Math.min(...spans.map(({ from }) => from)),
        until: Math.max(...spans.map(({ until }) => until)),
      };
    },
  },
  {
    kind: 'burst',
    about: 'for one second the outside asks fifty times as often as usual',
    expected: 'abrupt',
    services: ['api'],
    touched: ['search', 'files'],
    seconds: 1,
    play: intrusion(only(WORLD), { kind: 'send', rate: 250, size: 300, to: addresses('api', 8000) }),
  },
];

/** Services by the names that frames have. */
export const doneOf = (
  { kind, about, expected, services, touched, ramp = 0 }: Incident,
  { from, until }: Span,
): Done => ({
  kind,
  about,
  expected,
  from,
  until,
  full: from + 1000 * ramp,
  services: services.map(serviceOf),
  touched: touched.map(serviceOf),
});
