import type { ConnectionRow } from '../../../core/traffic/connection.ts';
import { compareFlows, type Flow, NO_EXCHANGE } from '../../../core/traffic/flow.ts';
import type { Frame, Window } from '../../../core/traffic/frame.ts';
import type { ContainerInput } from '../../../detector/contract.ts';
import { fleet } from '../../quality/simulator/fleet.ts';
import { Random } from '../../quality/simulator/random.ts';
import { EPOCH, ServiceRun } from '../../quality/simulator/run.ts';
import { FRAME_S } from '../../quality/simulator/sources.ts';

/** A day of the simulated fleet of `npm run quality`, as frames. */

export const HOST = 'host';
export const DAY_MS = 86_400_000;
export const DAY = { from: EPOCH, to: EPOCH + DAY_MS };
/** One minute in so many is there. */
export const EVERY = 12;
/** Whom each container talks to in a frame; with half of them over connections that it opens. */
export const PEERS = 4;

const FRAME_MS = FRAME_S * 1000;
const FRAMES_A_DAY = DAY_MS / FRAME_MS;
const FRAMES_A_MINUTE = 60 / FRAME_S;

/** The frames of every twelfth minute of a day. */
export function* minutesOf(seed: number): Generator<Frame[]> {
  const random = new Random(seed);
  const runs = fleet(random).map(service => new ServiceRun(service, random.fork()));
  let previous: number | null = null;
  let minute: Frame[] = [];
  for (let n = 0; n < FRAMES_A_DAY; n++) {
    const inputs = runs.flatMap(run => run.next());
    if (Math.floor(n / FRAMES_A_MINUTE) % EVERY !== 0) continue;
    const frame = frameOf(EPOCH + n * FRAME_MS, previous, inputs);
    previous = frame.start;
    minute.push(frame);
    if (minute.length < FRAMES_A_MINUTE) continue;
    yield minute;
    minute = [];
  }
}

function frameOf(start: number, previous: number | null, inputs: readonly ContainerInput[]): Frame {
  const byName = inputs.toSorted((a, b) => (a.container.name < b.container.name ? -1 : 1));
  const busy = byName.filter(({ send, receive }) => send !== undefined || receive !== undefined);
  return {
    ...{ host: HOST, start, durationMs: FRAME_MS, previous, faults: [], lost: 0, occupancy: 0.1 },
    containers: byName.map(({ container }) => container),
    started: [],
    ended: [],
    windows: byName.flatMap(({ send, receive }) => [send, receive].filter(window => window !== undefined)),
    flows: busy.flatMap(flowsOf).toSorted(compareFlows),
    connections: busy.flatMap(connectionsOf),
  };
}

const peers = Array.from({ length: PEERS }, (_, i) => i);

/** Its windows in equal parts: to each peer as the client of another port. */
function flowsOf({ container, send, receive }: ContainerInput): Flow[] {
  const part = (window: Window | undefined, of: 'messages' | 'bytes', i: number) =>
    Math.floor(((window?.[of] ?? 0) + i) / PEERS);
  return peers.map(i => ({
    ...NO_EXCHANGE,
    ...{ container: container.name, protocol: 'tcp', role: 'client', peerKind: 'container' },
    ...{ peer: `peer-${i}`, port: 8000 + i, address: `10.0.0.${i + 1}`, connections: i % 2 },
    sentMessages: part(send, 'messages', i),
    sentBytes: part(send, 'bytes', i),
    receivedMessages: part(receive, 'messages', i),
    receivedBytes: part(receive, 'bytes', i),
  }));
}

function connectionsOf({ container, start }: ContainerInput): ConnectionRow[] {
  return peers
    .filter(i => i % 2 === 1)
    .map(i => ({
      ...{ container: container.name, kind: 'opened', own: '10.0.0.100', peer: `10.0.0.${i + 1}` },
      ...{ port: 8000 + i, clientPort: 32_768 + ((start / FRAME_MS) % 28_000), count: 1 },
    }));
}
