import { formatCount, formatCounted, formatLength, formatSize } from '../../../core/config/units.ts';
import { printable } from '../../../core/errors.ts';
import type { Incident } from '../../../core/incident/incident.ts';
import { whosOf } from '../../../core/incident/members.ts';
import type { TimeZone } from '../../../core/time-zone.ts';
import type { Peer, PeersThen } from '../../../http/api/resources/story/peers.ts';
import { shownName } from '../../screen/shown-name.ts';

/** Whom those talked to whom an incident is about, for people. Names are untrusted. */

/** `Whom it talked to in its first 10m`. */
export function peerHeading(then: PeersThen, zone: TimeZone): string {
  if ('unknown' in then) return 'Whom it talked to';
  const { from, to } = then.during;
  return `Whom it talked to, ${zone.clock(from)} to ${zone.clock(to)}`;
}

export function peerLines(then: PeersThen, incident: Incident): string[] {
  if ('unknown' in then) return [`not known: ${printable(then.unknown, 500)}`];
  const { before, during, peers, more } = then;
  if (peers.length === 0) return ['nobody was seen'];
  const isOne = incident.container !== '' && whosOf(incident).length === 1;
  const compared =
    before === null
      ? 'nothing is stored of the time before: who is new is not known'
      : `"new" was not there in the ${formatLength(during.from - before.from)} before`;
  return [
    ...peers.map(peer => peerText(peer, isOne)),
    ...(more > 0 ? [`and ${more} more: \`tidegauge map\` has all`] : []),
    peers.every(({ isNew }) => isNew === null) && before !== null
      ? `not all of the ${formatLength(during.from - before.from)} before is known: who is new is not known`
      : compared,
  ];
}

/** `new: web-1 called 198.51.100.9 (outside) on tcp 443: sent 3.1 GiB, received 12 KiB, 3 connections`. */
function peerText(peer: Peer, isOne: boolean): string {
  const own = isOne ? '' : `${shownName(peer.container, 60)} `;
  const said =
    peer.role === 'client' ? `called ${nameOf(peer)} on` : `was called by ${nameOf(peer)} at its own`;
  return `${peer.isNew ? 'new: ' : ''}${own}${said} ${portsOf(peer)}: ${numbersOf(peer)}`;
}

function nameOf({ peerKind, peer, address }: Peer): string {
  if (peer !== '') return peerKind === 'container' ? shownName(peer, 60) : `(${shownName(peer, 60)})`;
  return address === '' ? `(${peerKind})` : `${printable(address, 45)} (${peerKind})`;
}

function portsOf({ protocol, ports, morePorts }: Peer): string {
  const named = ports.filter(port => port !== 0).join(', ');
  if (named === '') return protocol;
  return `${protocol} ${named}${morePorts > 0 ? ` and ${morePorts} more ports` : ''}`;
}

function numbersOf({ sentBytes, receivedBytes, connections, failures }: Peer): string {
  const parts: string[] = [];
  if (failures > 0)
    parts.push(`${formatCount(failures)} of ${formatCounted(connections + failures, 'connection')} failed`);
  if (failures === 0 || sentBytes + receivedBytes > 0)
    parts.push(`sent ${formatSize(sentBytes)}, received ${formatSize(receivedBytes)}`);
  if (failures === 0 && connections > 0) parts.push(formatCounted(connections, 'connection'));
  return parts.join(', ');
}
