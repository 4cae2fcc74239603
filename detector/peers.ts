import { isIP } from 'node:net';
import { printable } from '../core/errors.ts';
import { addressClass } from '../core/traffic/address-class.ts';
import type { ConnectionRow } from '../core/traffic/connection.ts';
import type { Flow, PeerKind, Protocol } from '../core/traffic/flow.ts';
import type { Container } from '../core/traffic/frame.ts';

/**
 * Whom a container talks to as a client, by what stays when containers and addresses change: a peer of this host by its
 * service, any other by the class of its address, both with the server's port.
 */
export interface Peer {
  /** Short text, the same for the same peer: a hash, so that names of any length fit a bounded state. */
  readonly id: string;
  readonly kind: PeerKind;
  readonly protocol: Protocol;
  /** 0: a port that the server was given for the occasion. */
  readonly port: number;
  /** For people, at most 80 characters: `service shop/db on tcp 5432`. */
  readonly label: string;
}

/** From here on ports are given to clients and for occasions (Linux: ip_local_port_range), and say nothing of a service. */
const EPHEMERAL = 32_768;

/** The peer of a flow; null where the container is the server, nobody saw the address, or rows were folded. */
export function peerOf(flow: Flow, neighbours: ReadonlyMap<string, Container>): Peer | null {
  const { protocol, role, peerKind: kind, peer } = flow;
  if (role !== 'client' || kind === 'unknown' || kind === 'other' || flow.port === 0) return null;
  const port = flow.port >= EPHEMERAL ? 0 : flow.port;
  const service = neighbours.get(peer)?.service ?? peer;
  const where = `${protocol} ${port === 0 ? 'high ports' : port}`;
  return {
    id: hash(JSON.stringify([protocol, kind, port, service])),
    kind,
    protocol,
    port,
    label: `${whoOf(kind, service)} on ${where}`,
  };
}

/** The outside address that a connection was opened to; null for any other. */
export function outsideOf({ kind, peer, port }: ConnectionRow): Peer | null {
  if (kind !== 'opened' || isIP(peer) === 0 || addressClass(peer) !== 'outside') return null;
  const label = `the outside address ${printable(peer, 45)} on tcp ${port}`;
  return { id: hash(JSON.stringify([peer, port])), kind: 'outside', protocol: 'tcp', port, label };
}

function whoOf(kind: PeerKind, service: string): string {
  if (kind === 'container' || kind === 'virtual') return `service ${printable(service, 50)}`;
  return { host: 'the host itself', private: 'a private address', outside: 'an outside address' }[
    kind as 'host' | 'private' | 'outside'
  ];
}

/** FNV-1a of 32 bits (RFC 9923) in base 36. */
export function hash(text: string): string {
  return hashNumber(text).toString(36);
}

/** The same as a number below 2^32. */
export function hashNumber(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** Who was seen, and in which minute last: of more than `limit` those not seen for longest are forgotten. */
export type Known = Record<string, number>;

/** Upper bound of `limit` entries in bytes of JSON. */
export const knownBytes = (limit: number): number => 2 + limit * 20;

/** `now`: epoch ms. Changes `known` in place. */
export function remember(known: Known, id: string, now: number, limit: number): void {
  const minute = Math.floor(now / 60_000);
  const isNew = known[id] === undefined;
  known[id] = minute;
  if (!isNew) return;
  const ids = Object.keys(known);
  if (ids.length <= limit) return;
  const oldest = ids.reduce((a, b) => {
    const [x = 0, y = 0] = [known[a], known[b]];
    return x < y || (x === y && a < b) ? a : b;
  });
  delete known[oldest];
}
