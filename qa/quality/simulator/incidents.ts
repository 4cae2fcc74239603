import type { Window } from '../../../core/traffic/frame.ts';
import { bucketOf } from '../../../core/traffic/histogram.ts';
import type { ContainerInput } from '../../../detector/contract.ts';
import type { Kind, Service } from './fleet.ts';
import type { Random } from './random.ts';
import { DAY, FRAME_S } from './sources.ts';

/** How large the incidents are. */
export interface Magnitudes {
  /** Times the received messages. */
  readonly flood: number;
  /** Bytes a second sent besides. */
  readonly exfiltration: number;
  /** Times what is sent. */
  readonly leak: number;
  /** Times the traffic, for one second. */
  readonly spike: number;
  /** Times the traffic, for good. */
  readonly shift: number;
  /** Times the traffic of one replica. */
  readonly replica: number;
  /** Times the messages at the same bytes. */
  readonly shape: number;
  /** Bytes sent in each frame. */
  readonly beacon: number;
}

export const MAGNITUDES: Magnitudes = {
  flood: 20,
  exfiltration: 5e6,
  leak: 3,
  spike: 50,
  shift: 3,
  replica: 1.8,
  shape: 2,
  beacon: 120,
};

/** Incidents that are about half as large, and about twice. */
export const SMALLER: Magnitudes = {
  flood: 10,
  exfiltration: 2.5e6,
  leak: 2,
  spike: 25,
  shift: 2,
  replica: 1.5,
  shape: 1.5,
  beacon: 60,
};
export const LARGER: Magnitudes = {
  flood: 40,
  exfiltration: 1e7,
  leak: 5,
  spike: 100,
  shift: 5,
  replica: 2.2,
  shape: 3,
  beacon: 240,
};

/** What an incident may look at besides the frame itself. */
export interface Context {
  /** Frames since the incident began. */
  readonly age: number;
  /** Mean messages received per frame before it. */
  readonly usual: number;
  readonly random: Random;
  readonly size: Magnitudes;
}

/** A kind of incident: whom it befalls, how long it lasts, what it makes of a replica's frame. */
export interface IncidentKind {
  readonly name: string;
  readonly befalls: readonly Kind[];
  /** Per container that it befalls. */
  readonly times: number;
  readonly seconds: number;
  /** `mine`: the replica that it befalls; the others of its service pass through here too. */
  disturb(input: ContainerInput, mine: boolean, context: Context): ContainerInput;
}

const BUSY: readonly Kind[] = ['web', 'quiet site', 'database', 'cache', 'worker'];

export const INCIDENTS: readonly IncidentKind[] = [
  {
    name: 'exfiltration',
    befalls: ['database'],
    times: 6,
    seconds: 300,
    disturb: ifMine((input, { random, size }) => {
      const n = random.poisson((size.exfiltration * FRAME_S) / 32_768);
      return { ...input, send: plus(input, 'send', n, 32_768) };
    }),
  },
  {
    name: 'flood',
    befalls: BUSY,
    times: 2,
    seconds: 120,
    disturb: ifMine((input, { usual, random, size }) => {
      const mean = Math.max(input.receive?.messages ?? 0, usual) * (size.flood - 1);
      return { ...input, receive: plus(input, 'receive', random.poisson(mean), 100) };
    }),
  },
  {
    name: 'silence',
    befalls: [
      'web',
      'quiet site',
      'database',
      'cache',
      'job each minute',
      'health check only',
      'worker',
      'scraper',
      'log shipper',
      'stream',
    ],
    times: 2,
    seconds: 600,
    disturb: ifMine(input => ({ ...input, send: undefined, receive: undefined })),
  },
  {
    name: 'leak',
    befalls: ['web', 'database', 'cache'],
    times: 2,
    seconds: 600,
    disturb: ifMine((input, { age, random, size }) => {
      const grown = Math.min(1, ((age + 1) * FRAME_S) / 120);
      return { ...input, send: scaled(input.send, 1 + (size.leak - 1) * grown, random) };
    }),
  },
  {
    name: 'shape',
    befalls: [...BUSY, 'log shipper', 'stream'],
    times: 2,
    seconds: 600,
    disturb: ifMine((input, { random, size }) => ({
      ...input,
      send: split(input.send, size.shape, random),
      receive: split(input.receive, size.shape, random),
    })),
  },
  {
    name: 'spike',
    befalls: BUSY,
    times: 2,
    seconds: FRAME_S,
    disturb: ifMine((input, { usual, random, size }) => {
      const now = Math.max(input.receive?.messages ?? 0, input.send?.messages ?? 0, 1);
      // A second at so many times what is usual, also where this one would have been quiet.
      const factor = Math.max(1, usual / now);
      return both(input, 1 + ((size.spike - 1) / FRAME_S) * factor, random);
    }),
  },
  {
    name: 'shift',
    befalls: [...BUSY, 'log shipper'],
    times: 2,
    seconds: 1800,
    disturb: ifMine((input, { random, size }) => both(input, size.shift, random)),
  },
  {
    name: 'beacon',
    befalls: [
      'idle',
      'health check only',
      'job each minute',
      'job each 5 minutes and hour',
      'batch',
      'quiet site',
    ],
    times: 2,
    seconds: 1800,
    disturb: ifMine((input, { size }) => ({
      ...input,
      send: plus(input, 'send', 1, size.beacon),
      receive: plus(input, 'receive', 1, 70),
    })),
  },
  {
    name: 'replica',
    befalls: ['web'],
    times: 2,
    seconds: 600,
    disturb: (input, mine, { random, size }) =>
      both(input, mine ? size.replica : (3 - size.replica) / 2, random),
  },
];

/** One incident of a run. */
export interface Incident {
  readonly kind: IncidentKind;
  /** Index of the replica. */
  readonly replica: number;
  /** First frame. */
  readonly at: number;
  readonly frames: number;
}

/** Days until incidents begin, so that there is something to compare with. */
const QUIET_DAYS = 2.2;

/** The incidents of a service, by time, from day `from` on. */
export function incidentsOf(
  service: Service,
  days: number,
  random: Random,
  { repeat = 1, from = QUIET_DAYS }: { repeat?: number; from?: number } = {},
): Incident[] {
  const list: Incident[] = [];
  for (const kind of INCIDENTS.filter(one => one.befalls.includes(service.kind))) {
    const frames = kind.seconds / FRAME_S;
    for (let replica = 0; replica < service.replicas; replica++) {
      for (let i = 0; i < kind.times * repeat; i++) {
        const at = Math.floor(random.between(from * DAY, days * DAY - frames - 2));
        list.push({ kind, replica, at, frames });
      }
    }
  }
  return list.sort((a, b) => a.at - b.at);
}

function ifMine(
  disturb: (input: ContainerInput, context: Context) => ContainerInput,
): IncidentKind['disturb'] {
  return (input, mine, context) => (mine ? disturb(input, context) : input);
}

/** `n` messages of `size` bytes besides. */
function plus(
  input: ContainerInput,
  direction: Window['direction'],
  n: number,
  size: number,
): Window | undefined {
  const window = input[direction];
  if (n === 0) return window;
  const counts = new Map(window?.sizes);
  const bucket = bucketOf(size);
  counts.set(bucket, (counts.get(bucket) ?? 0) + n);
  return {
    container: input.container.name,
    direction,
    messages: (window?.messages ?? 0) + n,
    bytes: (window?.bytes ?? 0) + n * Math.round(size),
    sizes: [...counts].sort((a, b) => a[0] - b[0]),
  };
}

const both = (input: ContainerInput, factor: number, random: Random): ContainerInput => ({
  ...input,
  send: scaled(input.send, factor, random),
  receive: scaled(input.receive, factor, random),
});

/** The same messages `factor` times; what is left over by chance. */
function scaled(window: Window | undefined, factor: number, random: Random): Window | undefined {
  if (!window) return undefined;
  const sizes = window.sizes
    .map(([bound, count]) => [bound, Math.floor(count * factor + random.uniform())] as const)
    .filter(([, count]) => count > 0);
  const messages = sizes.reduce((sum, [, count]) => sum + count, 0);
  if (messages === 0) return undefined;
  return { ...window, messages, bytes: Math.round((window.bytes * messages) / window.messages), sizes };
}

/** The same bytes in `factor` times as many messages. */
function split(window: Window | undefined, factor: number, random: Random): Window | undefined {
  if (!window) return undefined;
  const counts = new Map<number, number>();
  const mean = window.bytes / window.messages;
  let messages = 0;
  for (const [bound, count] of window.sizes) {
    // The middle of the bucket; the overflow bucket has none, so its bound.
    const middle = bound === 0 ? Math.min(mean, 32) : bound * 1.1;
    const n = Math.floor(count * factor + random.uniform());
    if (n === 0) continue;
    const bucket = bucketOf(Math.floor(middle / factor));
    counts.set(bucket, (counts.get(bucket) ?? 0) + n);
    messages += n;
  }
  if (messages === 0) return undefined;
  return { ...window, messages, sizes: [...counts].sort((a, b) => a[0] - b[0]) };
}
