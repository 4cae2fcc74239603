import { z } from 'zod';
import { isoTime } from '../../../../core/clock.ts';
import { describeError } from '../../../../core/errors.ts';
import type { Incident } from '../../../../core/incident/incident.ts';
import { whosOf } from '../../../../core/incident/members.ts';
import type { Interval } from '../../../../core/interval.ts';
import {
  EXCHANGE_KEYS,
  type Exchange,
  type Flow,
  type FlowKey,
  flowId,
  isNamed,
  NO_EXCHANGE,
  PEER_KINDS,
  type PeerKind,
  PROTOCOLS,
  ROLES,
} from '../../../../core/traffic/flow.ts';
import type { Container } from '../../../../core/traffic/frame.ts';
import type { FrameStore } from '../../../../store/contract.ts';

/** Whom those talked to whom an incident is about, and who of these is new. */

/** A peer at the ports it was talked to on. What was exchanged is as the container saw it. */
export interface Peer extends Omit<FlowKey, 'port'>, Exchange {
  /** The address that moved most; empty where nobody saw one. */
  readonly address: string;
  /** Those of the server that moved most, `PORTS` of them at most; 0: several that were aggregated. */
  readonly ports: readonly number[];
  readonly morePorts: number;
  /** They were not talked to in the time before; null: nobody saw the container then, or not all of its peers. */
  readonly isNew: boolean | null;
}

export interface Peers {
  /** The beginning of the incident, of which this is told. */
  readonly during: Interval;
  /** What it is compared with; null: nothing is stored of the time before. */
  readonly before: Interval | null;
  /** Failing ones first, then new ones, then those that moved most: `LISTED` at most. */
  readonly peers: readonly Peer[];
  readonly more: number;
}

/** Peers, or why nobody knows them. */
export type PeersThen = Peers | { readonly unknown: string };

/** A store that is opened for as long as `action` takes. */
export type StoreReader = <R>(action: (store: FrameStore) => Promise<R>) => Promise<R>;

/** Whom they talked to is told of so much of the incident, and compared with so much before it, ms. */
const DURING_MS = 600_000;
const BEFORE_MS = 3_600_000;
/** One may be a peer of before under another name: of a connection that was open before the capture began, or one of many. */
const VAGUE: readonly PeerKind[] = ['unknown', 'other'];
const PORTS = 4;
const LISTED = 12;

/** Never rejects: without the store an incident can be explained all the same. */
export async function peersThen(read: StoreReader, incident: Incident): Promise<PeersThen> {
  try {
    return await read(store => peersOf(store, incident));
  } catch (error) {
    return { unknown: `the stored traffic cannot be read: ${describeError(error)}` };
  }
}

async function peersOf(store: FrameStore, incident: Incident): Promise<PeersThen> {
  const { host, start, end } = incident;
  const during = { from: start, to: Math.min(end, start + DURING_MS) };
  const isOurs = membership(incident);
  const sums = new Map<string, Sum>();
  const ours = new Set<string>();
  let isStored = false;
  for await (const { containers, flows } of store.readFrames(host, during)) {
    isStored = true;
    for (const container of containers) if (isOurs(container)) ours.add(container.name);
    for (const flow of flows) if (ours.has(flow.container)) addFlow(sums, flow);
  }
  if (!isStored) return { unknown: 'nothing is stored of that time' };
  const before = await timeBefore(store, host, start);
  const past = await pastOf(store, host, before, ours);
  const all = grouped([...sums.values()], past).sort(mostTellingFirst);
  return { during, before, peers: all.slice(0, LISTED), more: Math.max(0, all.length - LISTED) };
}

/** The time before of which something is stored. */
async function timeBefore(store: FrameStore, host: string, start: number): Promise<Interval | null> {
  const [first, last] = [await store.firstFrame(host), await store.lastFrame(host, start)];
  const from = Math.max(start - BEFORE_MS, first ?? start);
  return from < start && last !== null && last.to > from ? { from, to: start } : null;
}

/** What was seen of some containers before. */
interface Past {
  readonly containers: ReadonlySet<string>;
  /** `flowAt` of what they exchanged. */
  readonly flows: ReadonlySet<string>;
  /** Those of which some peers were counted together: one that is not in `flows` may be among them. */
  readonly partly: ReadonlySet<string>;
}

/** From frames: sums of minutes have no addresses, and count light peers together. */
async function pastOf(
  store: FrameStore,
  host: string,
  before: Interval | null,
  ours: ReadonlySet<string>,
): Promise<Past> {
  const past = { containers: new Set<string>(), flows: new Set<string>(), partly: new Set<string>() };
  if (before === null) return past;
  for await (const { containers, flows } of store.readFrames(host, before)) {
    for (const { name } of containers) if (ours.has(name)) past.containers.add(name);
    for (const flow of flows) {
      if (!ours.has(flow.container)) continue;
      past.flows.add(flowAt(flow, flow.address));
      if (flow.peerKind === 'other') past.partly.add(flow.container);
    }
  }
  return past;
}

/** Identity of a flow; of a peer without a name, also by its address. */
const flowAt = (key: FlowKey, address: string): string =>
  isNamed(key.peerKind) ? flowId(key) : `${flowId(key)} ${address}`;

/** Whether a container is one of those whom the incident is about, or of their service, or host. */
function membership(incident: Incident): (container: Container) => boolean {
  const whos = whosOf(incident);
  const names = new Set(whos.map(({ container }) => container));
  const services = new Set(whos.filter(({ container }) => container === '').map(({ service }) => service));
  return ({ name, service }) => names.has(name) || services.has('') || services.has(service);
}

/** What was exchanged over one key (of a peer without a name: with one address), with the bytes of each address. */
interface Sum {
  readonly key: FlowKey;
  /** Its `flowAt`. */
  readonly id: string;
  exchange: Exchange;
  readonly addresses: Map<string, number>;
}

function addFlow(sums: Map<string, Sum>, flow: Flow): void {
  const id = flowAt(flow, flow.address);
  const sum = sums.get(id) ?? { key: flow, id, exchange: NO_EXCHANGE, addresses: new Map() };
  sums.set(id, sum);
  sum.exchange = sumOf(sum.exchange, flow);
  if (flow.address !== '')
    sum.addresses.set(flow.address, (sum.addresses.get(flow.address) ?? 0) + bytesOf(flow));
}

/** One row for all ports of a peer that are new, and one for all others: a scan of a thousand ports is one. */
function grouped(sums: readonly Sum[], { containers, flows, partly }: Past): Peer[] {
  const isNew = ({ id, key: { container, peerKind } }: Sum): boolean | null => {
    if (flows.has(id)) return false;
    return containers.has(container) && !partly.has(container) && !VAGUE.includes(peerKind) ? true : null;
  };
  const byPeer = Map.groupBy(sums, sum => `${isNew(sum)} ${flowId({ ...sum.key, port: 0 })}`);
  return [...byPeer.values()].map(same => {
    const [first, ...others] = same.toSorted((a, b) => bytesOf(b.exchange) - bytesOf(a.exchange));
    const { container, protocol, role, peerKind, peer } = (first as Sum).key;
    const ports = [...new Set([first as Sum, ...others].map(({ key }) => key.port))];
    return {
      ...{
        container,
        protocol,
        role,
        peerKind,
        peer,
        address: mainAddress(same),
        isNew: isNew(first as Sum),
      },
      ...{ ports: ports.slice(0, PORTS), morePorts: Math.max(0, ports.length - PORTS) },
      ...same.map(({ exchange }) => exchange).reduce(sumOf, NO_EXCHANGE),
    };
  });
}

function mainAddress(sums: readonly Sum[]): string {
  const all = new Map<string, number>();
  for (const { addresses } of sums)
    for (const [address, bytes] of addresses) all.set(address, (all.get(address) ?? 0) + bytes);
  const [most = ['']] = [...all].sort((a, b) => b[1] - a[1]);
  return most[0];
}

const mostTellingFirst = (a: Peer, b: Peer): number =>
  Number(b.failures > 0) - Number(a.failures > 0) ||
  Number(b.isNew === true) - Number(a.isNew === true) ||
  bytesOf(b) - bytesOf(a) ||
  b.failures - a.failures;

const bytesOf = ({ sentBytes, receivedBytes }: Exchange): number => sentBytes + receivedBytes;

function sumOf(a: Exchange, b: Exchange): Exchange {
  const sum: { -readonly [K in keyof Exchange]: number } = { ...NO_EXCHANGE };
  for (const key of EXCHANGE_KEYS) sum[key] = a[key] + b[key];
  return sum;
}

const count = z.int().nonnegative();
const interval = z.strictObject({ from: z.string(), to: z.string() });
const peerSchema = z.strictObject({
  container: z.string(),
  protocol: z.enum(PROTOCOLS),
  role: z.enum(ROLES).describe('`client`: the container called the peer; `server`: the peer called it.'),
  peer_kind: z.enum(PEER_KINDS),
  peer: z.string().describe('Empty where its kind has no name.'),
  address: z.string().describe('The address that moved most; empty where nobody saw one.'),
  ports: z.array(z.int()).describe('Of the server, those that moved most; 0: several.'),
  more_ports: count.describe('Further ones.'),
  new: z
    .boolean()
    .nullable()
    .describe(
      'Not talked to in the time before; null: nobody saw the container then, or not all of its peers.',
    ),
  sent_messages: count,
  sent_bytes: count,
  received_messages: count,
  received_bytes: count,
  connections: count,
  failures: count.describe('Connections that could not be opened.'),
});

export const peersSchema = z
  .strictObject({
    unknown: z.string().nullable().describe('Why nobody knows; null: they are known.'),
    during: interval.nullable().describe('The beginning of the incident, of which this is told.'),
    before: interval.nullable().describe('What it is compared with; null: nothing is stored of that time.'),
    peers: z.array(peerSchema).describe('Failing ones first, then new ones, then those that moved most.'),
    more: count.describe('Further ones.'),
  })
  .describe('Whom those talked to whom it is about.');
type PeersJson = z.output<typeof peersSchema>;

const intervalJson = ({ from, to }: Interval) => ({ from: isoTime(from), to: isoTime(to) });
const intervalFromJson = ({ from, to }: z.output<typeof interval>): Interval => ({
  from: Date.parse(from),
  to: Date.parse(to),
});

/** Times are ISO 8601, UTC. */
export function peersJson(then: PeersThen): PeersJson {
  if ('unknown' in then) return { unknown: then.unknown, during: null, before: null, peers: [], more: 0 };
  const { during, before, peers, more } = then;
  return {
    ...{ unknown: null, during: intervalJson(during), before: before && intervalJson(before) },
    peers: peers.map(({ peerKind, morePorts, isNew, ports, ...peer }) => {
      const { container, protocol, role, address, connections, failures } = peer;
      return {
        ...{ container, protocol, role, peer_kind: peerKind, peer: peer.peer, address },
        ...{ ports: [...ports], more_ports: morePorts, new: isNew },
        ...{ sent_messages: peer.sentMessages, sent_bytes: peer.sentBytes },
        ...{ received_messages: peer.receivedMessages, received_bytes: peer.receivedBytes },
        ...{ connections, failures },
      };
    }),
    more,
  };
}

/** What `peersJson` made of it, checked by its schema. */
export function peersFromJson({ unknown, during, before, peers, more }: PeersJson): PeersThen {
  if (unknown !== null || during === null) return { unknown: unknown ?? 'nothing was said' };
  return {
    during: intervalFromJson(during),
    before: before && intervalFromJson(before),
    peers: peers.map(peer => {
      const { container, protocol, role, address, ports, connections, failures } = peer;
      return {
        ...{ container, protocol, role, peerKind: peer.peer_kind, peer: peer.peer, address, ports },
        ...{ morePorts: peer.more_ports, isNew: peer.new, connections, failures },
        ...{ sentMessages: peer.sent_messages, sentBytes: peer.sent_bytes },
        ...{ receivedMessages: peer.received_messages, receivedBytes: peer.received_bytes },
      };
    }),
    more,
  };
}
