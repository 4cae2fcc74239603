import { compareText } from '../../../core/compare.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import type { ContainerInput } from '../../../detector/contract.ts';
import { fleet, type Service } from '../../quality/simulator/fleet.ts';
import { INCIDENTS, type IncidentKind, MAGNITUDES } from '../../quality/simulator/incidents.ts';
import { Random } from '../../quality/simulator/random.ts';
import { ServiceRun } from '../../quality/simulator/run.ts';
import { FRAME_S } from '../../quality/simulator/sources.ts';
import { flowsOf, members } from './calls.ts';

/** Hours of simulated hosts: 47 containers each, with incidents, an outage of a collector, and losses. */

const FRAME_MS = FRAME_S * 1000;
const HOUR_MS = 3_600_000;

/** What goes wrong on every host, and how many hours before the end it begins. */
interface Trouble {
  readonly kind: string;
  /** A service with one container, or one of its replicas. */
  readonly container: string;
  readonly hoursAgo: number;
  readonly hours: number;
}

const TROUBLES: readonly Trouble[] = [
  { kind: 'flood', container: 'web-1-1', hoursAgo: 9, hours: 0.1 },
  { kind: 'leak', container: 'web-4-2', hoursAgo: 6, hours: 0.3 },
  { kind: 'silence', container: 'database-2', hoursAgo: 2.2, hours: 0.25 },
  { kind: 'exfiltration', container: 'database-1', hoursAgo: 0.7, hours: 0.1 },
  { kind: 'shift', container: 'cache-1', hoursAgo: 0.4, hours: 0.3 },
  // These two have not ended yet.
  { kind: 'flood', container: 'web-2-1', hoursAgo: 0.15, hours: 1 },
  { kind: 'silence', container: 'database-3', hoursAgo: 0.1, hours: 1 },
];

/** Nobody watches: the collector is away. */
const OUTAGE = { hoursAgo: 0.9, hours: 0.1 };
/** The kernel drops events. */
const LOSSES = { hoursAgo: 1.5, hours: 0.05 };

/** The frames of a host with a fleet of its own for each seed, the last of which ends at `end`, epoch ms. */
export function* simulatedHours(host: string, seed: number, end: number, hours: number): Generator<Frame> {
  const random = new Random(seed);
  const services = fleet(random);
  const runs = services.map(service => new ServiceRun(service, random.fork()));
  const disturbed = new Disturbance(services, end, random.fork());
  const first = end - hours * HOUR_MS;
  let previous: number | null = null;
  for (let start = first; start + FRAME_MS <= end; start += FRAME_MS) {
    const inputs = runs.map((run, i) => disturbed.inputs(i, run.next(), start));
    if (isDuring(OUTAGE, start, end)) continue;
    const lost = isDuring(LOSSES, start, end) ? 40 : 0;
    const flat = inputs.flat().sort((a, b) => compareText(a.container.name, b.container.name));
    yield {
      ...{ host, start, durationMs: FRAME_MS, previous, lost, occupancy: 0.1 + (lost > 0 ? 0.85 : 0) },
      faults: lost > 0 ? ['lost-events'] : [],
      containers: flat.map(({ container }) => container),
      ...{ started: [], ended: [], connections: [] },
      windows: flat.flatMap(({ send, receive }) => [send ?? [], receive ?? []].flat()),
      flows: flowsOf(members(services, inputs), disturbed.silent(start)),
    };
    previous = start;
  }
}

const isDuring = (
  { hoursAgo, hours }: { readonly hoursAgo: number; readonly hours: number },
  time: number,
  end: number,
): boolean => time >= end - hoursAgo * HOUR_MS && time < end - (hoursAgo - hours) * HOUR_MS;

/** Incidents as they befall the containers of a host. */
class Disturbance {
  readonly #services: readonly Service[];
  readonly #end: number;
  readonly #random: Random;
  /** Messages that each container usually receives in a frame. */
  readonly #usual = new Map<string, number>();

  constructor(services: readonly Service[], end: number, random: Random) {
    this.#services = services;
    this.#end = end;
    this.#random = random;
  }

  /** Names of the containers that do not answer. */
  silent(start: number): ReadonlySet<string> {
    const now = TROUBLES.filter(trouble => isDuring(trouble, start, this.#end));
    return new Set(now.filter(({ kind }) => kind === 'silence').map(({ container }) => container));
  }

  /** The containers of the i-th service, disturbed where something befalls one of them. */
  inputs(i: number, quiet: ContainerInput[], start: number): ContainerInput[] {
    const { name } = this.#services[i] ?? {};
    const now = TROUBLES.filter(
      trouble => trouble.container.startsWith(`${name}`) && isDuring(trouble, start, this.#end),
    );
    return quiet.map(input => {
      const { name } = input.container;
      const usual = this.#usual.get(name) ?? input.receive?.messages ?? 0;
      const received = input.receive?.messages ?? 0;
      this.#usual.set(name, usual + (received - usual) / 720);
      return now.reduce((made, trouble) => {
        const age = Math.floor((start - this.#end + trouble.hoursAgo * HOUR_MS) / FRAME_MS);
        const context = { age, usual, random: this.#random, size: MAGNITUDES };
        return kindOf(trouble.kind).disturb(made, trouble.container === name, context);
      }, input);
    });
  }
}

function kindOf(name: string): IncidentKind {
  const kind = INCIDENTS.find(one => one.name === name);
  if (!kind) throw new Error(`no kind of incident ${name}`);
  return kind;
}
