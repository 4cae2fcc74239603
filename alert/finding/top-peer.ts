import type { TopPeer } from '../../core/incident/incident.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import type { Flow } from '../../core/traffic/flow.ts';
import type { Frame } from '../../core/traffic/frame.ts';

/**
 * Whom the container of an alarm (or all those of its service) exchanged most bytes with in the frame, in the direction
 * that the alarm is about. Null: it is about no direction, or the probe does not tell.
 */
export function topPeerOf({ scope, evidence }: Judged, frame: Frame): TopPeer | null {
  const direction = scope.direction ?? evidence.direction;
  if (direction === undefined || (scope.container === null && scope.service === null)) return null;
  const isOwn = ownerOf(scope, frame);
  const bytesOf = ({ sentBytes, receivedBytes }: Flow) => (direction === 'send' ? sentBytes : receivedBytes);
  let total = 0;
  let top: { flow: Flow; bytes: number } | null = null;
  for (const flow of frame.flows) {
    if (!isOwn(flow.container)) continue;
    const bytes = bytesOf(flow);
    total += bytes;
    // In the canonical order of flows the first of equals stays.
    if (bytes > (top?.bytes ?? 0)) top = { flow, bytes };
  }
  if (top === null) return null;
  const { peerKind: kind, peer: name, address, protocol, role, port } = top.flow;
  const service = (kind === 'container' && frame.containers.find(one => one.name === name)?.service) || '';
  const share = Math.round((1000 * top.bytes) / total) / 1000;
  return { kind, name, service, address, protocol, role, port, bytes: top.bytes, share };
}

function ownerOf({ container, service }: Judged['scope'], frame: Frame): (name: string) => boolean {
  if (container !== null) return name => name === container;
  const members = new Set(frame.containers.filter(one => one.service === service).map(({ name }) => name));
  return name => members.has(name);
}
