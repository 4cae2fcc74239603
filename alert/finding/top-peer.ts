import type { TopPeer } from '../../core/incident/incident.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import type { Flow } from '../../core/traffic/flow.ts';
import type { Direction, Frame } from '../../core/traffic/frame.ts';

/** Finds whom the container of an alarm (or all those of its service) exchanged most bytes with. */
export type PeerOf = (alarm: Judged) => TopPeer | null;

/**
 * The peers of a frame's alarms, in the direction that each is about. Null: it is about no direction, or the probe does
 * not tell. However many ask, the flows are sorted out once, when the first one does.
 */
export function topPeersIn(frame: Frame): PeerOf {
  let flows: ReturnType<typeof sortedOut> | null = null;
  const known = new Map<string, TopPeer | null>();
  return ({ scope: { container, service, direction: own }, evidence }) => {
    const direction = own ?? evidence.direction;
    if (direction === undefined || (container === null && service === null)) return null;
    const key = JSON.stringify([container, container === null ? service : null, direction]);
    const before = known.get(key);
    if (before !== undefined) return before;
    flows ??= sortedOut(frame);
    const their = container === null ? flows.byService.get(service ?? '') : flows.byContainer.get(container);
    const found = topOf(their ?? [], direction, flows.serviceOf);
    known.set(key, found);
    return found;
  };
}

function sortedOut({ containers, flows }: Frame) {
  const serviceOf = new Map(containers.map(({ name, service }) => [name, service]));
  return {
    serviceOf,
    byContainer: Map.groupBy(flows, ({ container }) => container),
    byService: Map.groupBy(flows, ({ container }) => serviceOf.get(container)),
  };
}

function topOf(
  flows: readonly Flow[],
  direction: Direction,
  serviceOf: ReadonlyMap<string, string>,
): TopPeer | null {
  const bytesOf = ({ sentBytes, receivedBytes }: Flow) => (direction === 'send' ? sentBytes : receivedBytes);
  let total = 0;
  let top: { flow: Flow; bytes: number } | null = null;
  for (const flow of flows) {
    const bytes = bytesOf(flow);
    total += bytes;
    // In the canonical order of flows the first of equals stays.
    if (bytes > (top?.bytes ?? 0)) top = { flow, bytes };
  }
  if (top === null) return null;
  const { peerKind: kind, peer: name, address, protocol, role, port } = top.flow;
  const service = (kind === 'container' && serviceOf.get(name)) || '';
  const share = Math.round((1000 * top.bytes) / total) / 1000;
  return { kind, name, service, address, protocol, role, port, bytes: top.bytes, share };
}
