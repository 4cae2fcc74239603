import { compareText } from '../../../core/compare.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import type { ContainerInput } from '../../../detector/contract.ts';
import { fleet, type Service } from '../../quality/simulator/fleet.ts';
import { Random } from '../../quality/simulator/random.ts';
import { EPOCH, ServiceRun } from '../../quality/simulator/run.ts';
import { FRAME_S } from '../../quality/simulator/sources.ts';

const FRAME_MS = FRAME_S * 1000;
export const FRAMES_PER_HOUR = 3600 / FRAME_S;

/**
 * What a host does that runs the simulated fleet of `npm run quality`, 47 containers of 13 kinds, as often as it takes to
 * have `containers` of them; the last services are left out. Without end. `from`: start of the first frame, epoch ms.
 */
export function* fleetFrames(containers: number, from: number = EPOCH): Generator<Frame, never> {
  const random = new Random(1);
  const runs = servicesOf(containers, random).map(service => new ServiceRun(service, random.fork()));
  for (let n = 0; ; n++)
    yield frameOf(
      from,
      n,
      runs.flatMap(run => run.next()),
    );
}

/** The services of one fleet after another; those of the first have the names that they have alone. */
function servicesOf(containers: number, random: Random): Service[] {
  const services: Service[] = [];
  let count = 0;
  for (let round = 1; count < containers; round++) {
    for (const service of fleet(random)) {
      if (count >= containers) break;
      services.push(round === 1 ? service : { ...service, name: `${service.name}-of-${round}` });
      count += service.replicas;
    }
  }
  return services;
}

function frameOf(from: number, n: number, inputs: readonly ContainerInput[]): Frame {
  const byName = inputs.toSorted((a, b) => compareText(a.container.name, b.container.name));
  const start = from + n * FRAME_MS;
  return {
    host: 'fleet',
    start,
    durationMs: FRAME_MS,
    previous: n === 0 ? null : start - FRAME_MS,
    faults: [],
    lost: 0,
    occupancy: 0.1,
    containers: byName.map(({ container }) => container),
    started: [],
    ended: [],
    windows: byName.flatMap(({ send, receive }) => [send, receive].filter(window => window !== undefined)),
    flows: [],
    connections: [],
  };
}
