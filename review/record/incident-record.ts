import type { Incident } from '../../core/incident/incident.ts';
import { whosOf } from '../../core/incident/members.ts';
import type { Evidence, Judged } from '../../core/incident/verdict.ts';
import { EXCHANGE_KEYS, type Exchange, type Flow, flowId, NO_EXCHANGE } from '../../core/traffic/flow.ts';
import {
  type Container,
  DIRECTIONS,
  type Direction,
  frameEnd,
  intervalOf,
  isComplete,
  type Window,
} from '../../core/traffic/frame.ts';
import { BUCKETS } from '../../core/traffic/histogram.ts';
import { type Part, Parts } from './parts.ts';
import type { PastFrame } from './past-frame.ts';

/** What went in one direction in a part. */
export interface PartAmount {
  messages: number;
  bytes: number;
  /** Messages by bucket, in the order of BUCKETS. */
  readonly sizes: Float64Array;
}

/** Traffic of whom an incident is about. */
export interface TrafficPart extends Part, Readonly<Record<Direction, PartAmount>> {
  /** Time in which they were there and could be seen, ms; 0: nothing is known. */
  watchedMs: number;
}

/** What a rule saw and expected over one frame, or over the time before its end. */
export interface Limit extends Part {
  readonly seen: number;
  /** Null: open on that side. */
  readonly low: number | null;
  readonly high: number | null;
}

/** What a rule expected of one quantity. */
export interface Band {
  readonly rule: string;
  readonly unit: string;
  /** Null: of both directions. */
  readonly direction: Direction | null;
  /** Time that is judged at once, ms; null: a frame. */
  readonly overMs: number | null;
  readonly limits: Limit[];
}

/** Whom they talked to. */
export interface Peer extends Pick<Flow, 'protocol' | 'role' | 'peerKind' | 'peer' | 'port'> {
  /** The newest address; empty where nobody saw one. */
  address: string;
  /** Before the incident, as far as it is shown, and since. */
  before: Exchange;
  during: Exchange;
}

/** What is shown of an incident. */
export interface IncidentRecord {
  readonly incident: Incident;
  readonly parts: readonly TrafficPart[];
  readonly bands: readonly Band[];
  /** Most bytes during the incident first. */
  readonly peers: readonly Peer[];
}

type Who = ReturnType<typeof whosOf>[number];

/** What is drawn of one incident at most: points of a chart, limits of a rule, peers that are told apart. */
const CAPS = { parts: 160, limits: 720, peers: 400 } as const;

/** Quantities that charts show. */
const DRAWN_UNITS: readonly string[] = ['B/s', 'msg/s'];

/** A verdict that says what would have been normal of a quantity that charts show. */
export const isDrawn = ({ evidence: { unit, low, high } }: Judged): boolean =>
  (low !== null || high !== null) && DRAWN_UNITS.includes(unit);

/** A peer, with what was exchanged since the end of the incident. */
interface Followed extends Peer {
  after: Exchange;
}

/** Follows one incident through frames, beginning some time before it. */
export class IncidentRecorder {
  #incident: Incident;
  readonly #parts = new Parts(CAPS.parts, newPart, addPart);
  readonly #bands = new Map<string, Band>();
  readonly #peers = new Map<string, Followed>();

  constructor(incident: Incident) {
    this.#incident = incident;
  }

  get incident(): Incident {
    return this.#incident;
  }

  /** The incident as it is in the frame that is added next. What was quiet until it went on is part of it. */
  follow(incident: Incident): void {
    const isLonger = incident.end > this.#incident.end;
    this.#incident = incident;
    if (!isLonger) return;
    for (const peer of this.#peers.values()) {
      peer.during = sumOf(peer.during, peer.after);
      peer.after = NO_EXCHANGE;
    }
  }

  /** `limits`: verdicts on this frame that `isDrawn`. */
  add(past: PastFrame, limits: readonly Judged[]): void {
    const frame = past.head;
    const whos = whosOf(this.#incident);
    const names = namesIn(frame.containers, whos);
    const shown = shownOf(whos);
    const part = this.#parts.of(intervalOf(frame));
    if (isComplete(frame) && names.size > 0) addWindows(part, frame.durationMs, past.windowsOf(names));
    for (const { rule, scope, evidence } of limits) {
      const isShown =
        shown?.container === ''
          ? scope.container === null && scope.service === shown.service
          : scope.container === shown?.container;
      if (isShown) this.#addLimit(rule, scope.direction ?? evidence.direction ?? null, evidence, frame);
    }
    for (const flow of frame.flows) if (names.has(flow.container)) this.#addFlow(flow, frame.start);
  }

  result(): IncidentRecord {
    const peers = [...this.#peers.values()].sort((a, b) => bytesOf(b) - bytesOf(a));
    return { incident: this.#incident, parts: this.#parts.all, bands: [...this.#bands.values()], peers };
  }

  #addLimit(rule: string, direction: Direction | null, evidence: Evidence, frame: PastFrame['head']): void {
    const { unit, seen, low, high, overMs = null, view = '' } = evidence;
    const key = JSON.stringify([rule, unit, direction, overMs, view]);
    const band = this.#bands.get(key) ?? { rule, unit, direction, overMs, limits: [] };
    this.#bands.set(key, band);
    if (band.limits.length < CAPS.limits)
      band.limits.push({ start: frame.start, end: frameEnd(frame), seen, low, high });
  }

  #addFlow(flow: Flow, at: number): void {
    const { protocol, role, peerKind, peer, port, address } = flow;
    const key = flowId({ ...flow, container: '' });
    const known = this.#peers.get(key);
    if (!known && this.#peers.size >= CAPS.peers) return;
    const one = known ?? {
      protocol,
      role,
      peerKind,
      peer,
      port,
      address,
      before: NO_EXCHANGE,
      during: NO_EXCHANGE,
      after: NO_EXCHANGE,
    };
    this.#peers.set(key, one);
    if (address !== '') one.address = address;
    if (at < this.#incident.start) one.before = sumOf(one.before, flow);
    else if (at < this.#incident.end) one.during = sumOf(one.during, flow);
    else one.after = sumOf(one.after, flow);
  }
}

/** Names in the frame of those whom an incident is about. */
function namesIn(containers: readonly Container[], whos: readonly Who[]): ReadonlySet<string> {
  const own = new Set(whos.map(({ container }) => container));
  const services = new Set(whos.filter(({ container }) => container === '').map(({ service }) => service));
  const isOurs = ({ name, service }: Container) => own.has(name) || services.has('') || services.has(service);
  return new Set(containers.filter(isOurs).map(({ name }) => name));
}

/**
 * Whose limits go with a picture of all whom the incident is about: of several it shows the sum, of which only what is
 * said of their service as a whole is a limit. Undefined: nobody's.
 */
function shownOf(whos: readonly Who[]): Who | undefined {
  const [first] = whos;
  if (whos.length === 1) return first;
  return whos.every(({ service }) => service === first?.service)
    ? whos.find(({ container }) => container === '')
    : undefined;
}

const newPart = (start: number, end: number): TrafficPart => ({
  start,
  end,
  watchedMs: 0,
  send: noAmount(),
  receive: noAmount(),
});

function addWindows(part: TrafficPart, durationMs: number, windows: readonly Window[]): void {
  part.watchedMs += durationMs;
  for (const { direction, messages, bytes, sizes } of windows) {
    const amount = part[direction];
    amount.messages += messages;
    amount.bytes += bytes;
    for (const [bound, count] of sizes) {
      const i = BUCKET_INDEX.get(bound) ?? 0;
      amount.sizes[i] = (amount.sizes[i] ?? 0) + count;
    }
  }
}

const BUCKET_INDEX: ReadonlyMap<number, number> = new Map(BUCKETS.map((bound, i) => [bound, i]));
const noAmount = (): PartAmount => ({ messages: 0, bytes: 0, sizes: new Float64Array(BUCKETS.length) });

function addPart(into: TrafficPart, part: TrafficPart): void {
  into.watchedMs += part.watchedMs;
  for (const direction of DIRECTIONS) {
    const [sum, more] = [into[direction], part[direction]];
    sum.messages += more.messages;
    sum.bytes += more.bytes;
    for (let i = 0; i < sum.sizes.length; i++) sum.sizes[i] = (sum.sizes[i] ?? 0) + (more.sizes[i] ?? 0);
  }
}

const sumOf = (a: Exchange, b: Exchange): Exchange =>
  Object.fromEntries(EXCHANGE_KEYS.map(key => [key, a[key] + b[key]])) as unknown as Exchange;

const bytesOf = ({ during, before }: Peer): number =>
  // What went on before breaks ties only.
  during.sentBytes + during.receivedBytes + (before.sentBytes + before.receivedBytes) * 1e-12;
