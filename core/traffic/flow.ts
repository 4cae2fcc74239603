import { z } from 'zod';
import { compareText } from '../compare.ts';

export const PROTOCOLS = ['tcp', 'udp'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** `client`: it opened the conversation, its own port is ephemeral. `server`: it is spoken to on a port of its own. */
export const ROLES = ['client', 'server'] as const;
export type Role = (typeof ROLES)[number];

/** Who is at the other end, as far as can be known on this host. */
export const PEER_KINDS = [
  'container', // a container or cgroup of this host, by name
  'host', // an address of the host itself
  'virtual', // an address or port that is translated on the way: a published port, a service address
  'private', // an address of a private range
  'outside', // any other address
  'unknown', // nobody saw the address: an unconnected UDP socket
  'other', // flows beyond the limits of a frame, aggregated
] as const;
export type PeerKind = (typeof PEER_KINDS)[number];

/** Kinds of peers that have a name; for the others `peer` is empty. */
export const isNamed = (kind: PeerKind): boolean => kind === 'container' || kind === 'virtual';

/** What was exchanged, as the side that is described saw it. All integers >= 0. */
export interface Exchange {
  readonly sentMessages: number;
  readonly sentBytes: number;
  readonly receivedMessages: number;
  readonly receivedBytes: number;
  /** TCP connections that were opened (client) or accepted (server). */
  readonly connections: number;
  /** TCP connections that could not be opened: refused, unreachable, timed out. */
  readonly failures: number;
}

export const EXCHANGE_KEYS = [
  'sentMessages',
  'sentBytes',
  'receivedMessages',
  'receivedBytes',
  'connections',
  'failures',
] as const satisfies readonly (keyof Exchange)[];

export const NO_EXCHANGE: Exchange = {
  sentMessages: 0,
  sentBytes: 0,
  receivedMessages: 0,
  receivedBytes: 0,
  connections: 0,
  failures: 0,
};

/** Between whom: one row of one frame, and one series over time. */
export interface FlowKey {
  /** Whose sockets. */
  readonly container: string;
  readonly protocol: Protocol;
  readonly role: Role;
  readonly peerKind: PeerKind;
  /** Name of the peer; empty where its kind has none. */
  readonly peer: string;
  /** The server's port; 0 where several ports were aggregated. */
  readonly port: number;
}

/**
 * One interval of one container's traffic with one peer on one service port. The client's ephemeral ports are aggregated
 * away. For each container, protocol `tcp` and `udp` together, messages and bytes add up to those of its windows.
 */
export interface Flow extends FlowKey, Exchange {
  /** The peer's address that moved most, as text; empty where nobody saw one. */
  readonly address: string;
}

const count = z.int().nonnegative();

export const flowSchema = z
  .strictObject({
    container: z.string(),
    protocol: z.enum(PROTOCOLS),
    role: z.enum(ROLES),
    peerKind: z.enum(PEER_KINDS),
    peer: z.string(),
    port: z.int().min(0).max(65_535),
    address: z.string(),
    sentMessages: count,
    sentBytes: count,
    receivedMessages: count,
    receivedBytes: count,
    connections: count,
    failures: count,
  })
  .refine(flow => isNamed(flow.peerKind) || flow.peer === '', 'a name for a peer whose kind has none');

/** Identity of a flow inside a host, as text without ambiguity: names may hold any characters. */
export const flowId = ({ container, protocol, role, peerKind, peer, port }: FlowKey): string =>
  `${protocol} ${role} ${peerKind} ${port} ${peer.length} ${peer}${container}`;

/** Canonical order of flows in a frame. */
export function compareFlows(a: FlowKey, b: FlowKey): number {
  return (
    compareText(a.container, b.container) ||
    compareText(a.protocol, b.protocol) ||
    compareText(a.role, b.role) ||
    compareText(a.peerKind, b.peerKind) ||
    compareText(a.peer, b.peer) ||
    a.port - b.port
  );
}
