import type { Incident, TopPeer } from '../../core/incident/incident.ts';
import { membersOf } from '../../core/incident/members.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import type { Alarm, Batch } from '../contract.ts';
import type { Who } from '../subject.ts';

/** Whom alarms of this frame are about, who is part of no incident yet. */
export interface Newcomer {
  readonly key: string;
  readonly who: Who;
  readonly alarms: readonly Alarm[];
}

/** Newcomers that belong together. */
export interface Band {
  readonly newcomers: readonly Newcomer[];
  /** The incident that they join; null: they open one. */
  readonly joins: Incident | null;
  /** They have nothing in common but that they are many on one host. */
  readonly isOfHost?: true;
}

/**
 * Replicas of one service belong together, and the two ends of a flow: each names the other as whom it exchanged most
 * bytes with, in opposite directions. They join the first of the recent incidents that one of them belongs to. Linear in
 * alarms, and in what the recent incidents have found.
 *
 * @param recent the oldest first
 */
export function bandsOf(
  newcomers: readonly Newcomer[],
  recent: readonly Incident[],
  peerOf: Batch['peerOf'],
): Band[] {
  const ends = newcomers.map(({ alarms }) => alarms.flatMap(alarm => endOf(alarm, peerOf(alarm))));
  const byService = firsts(newcomers.map(({ who }) => [who.service]));
  const byEnd = firsts(ends.map(own => own.map(({ key }) => key)));
  const sets = new DisjointSets(newcomers.length);
  for (const [i, { who }] of newcomers.entries()) {
    if (who.service !== '') sets.join(i, byService.get(who.service) ?? i);
    for (const { opposite } of ends[i] ?? []) sets.join(i, byEnd.get(opposite) ?? i);
  }
  const there = new RecentIncidents(recent);
  const bands = Map.groupBy(newcomers.keys(), i => sets.find(i));
  return [...bands.values()].map(all => {
    const found = new Set(all.flatMap(i => there.of(newcomers[i]?.who.service ?? '', ends[i] ?? [])));
    return {
      newcomers: all.flatMap(i => newcomers[i] ?? []),
      joins: found.size === 0 ? null : (recent.find(incident => found.has(incident)) ?? null),
    };
  });
}

/** One end of a flow, and how the other end would be named. */
interface End {
  readonly key: string;
  readonly opposite: string;
}

/** The end of a flow that an alarm, or a finding, is about; none: its peer is no container, or not known. */
function endOf({ scope, evidence }: Pick<Judged, 'scope' | 'evidence'>, peer: TopPeer | null): End[] {
  const direction = scope.direction ?? evidence.direction;
  if (scope.container === null || direction === undefined || peer?.kind !== 'container') return [];
  const back = direction === 'send' ? 'receive' : 'send';
  return [
    {
      key: JSON.stringify([scope.container, direction, peer.name]),
      opposite: JSON.stringify([peer.name, back, scope.container]),
    },
  ];
}

/** By each key where it stands first. */
function firsts(keys: readonly (readonly string[])[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const [i, own] of keys.entries()) for (const key of own) if (!found.has(key)) found.set(key, i);
  return found;
}

/** Incidents by the services and ends of flows that they are about. */
class RecentIncidents {
  readonly #byService = new Map<string, Incident>();
  readonly #byEnd = new Map<string, Incident>();

  constructor(recent: readonly Incident[]) {
    for (const incident of recent.toReversed()) {
      for (const { service } of membersOf(incident)) this.#byService.set(service, incident);
      for (const finding of incident.findings)
        for (const { key } of endOf(finding, finding.peer ?? null)) this.#byEnd.set(key, incident);
    }
    this.#byService.delete('');
  }

  /** The oldest of the same service, and the oldest ones at the other ends. */
  of(service: string, ends: readonly End[]): Incident[] {
    const found = [this.#byService.get(service), ...ends.map(({ opposite }) => this.#byEnd.get(opposite))];
    return found.filter(incident => incident !== undefined);
  }
}

/** Which of so many things belong together; the first of each set stands for it. */
class DisjointSets {
  readonly #parents: number[];

  constructor(size: number) {
    this.#parents = Array.from({ length: size }, (_, i) => i);
  }

  find(i: number): number {
    let at = i;
    for (let parent = this.#parents[at] ?? at; parent !== at; parent = this.#parents[at] ?? at) {
      this.#parents[at] = this.#parents[parent] ?? parent;
      at = parent;
    }
    return at;
  }

  join(a: number, b: number): void {
    const [first, second] = [this.find(a), this.find(b)];
    this.#parents[Math.max(first, second)] = Math.min(first, second);
  }
}
