import { type HoldFacts, holdOf } from '../../alert/policy/hold.ts';
import type { Inhibitor, InhibitorOf } from '../../alert/policy/inhibit.ts';
import { type Incident, type Notification, notificationKey, roundOf } from '../../core/incident/incident.ts';
import {
  type Coverage,
  coverage,
  dependsOnCourse,
  dependsOnMembers,
  isInForce,
  type Silence,
  SOON_MS,
  silenceText,
} from '../../core/incident/silence.ts';
import type {
  Deliveries,
  Delivery,
  DeliveryChange,
  DeliveryOutcome,
  Incidents,
  Lease,
  Silences,
} from '../../state/contract.ts';
import { HeldDeliveries } from './held.ts';
import { keysBefore, unendedBefore } from './unended.ts';

/** How many held deliveries are judged at once. */
const PAGE = 500;
/** Firing incidents that are asked whether they hold others. */
const FIRING = 10_000;
/** What fires is read again after so long, ms. */
const FRESH_MS = 1000;

export interface HoldingDeps {
  readonly state: Deliveries & Silences & Pick<Incidents, 'incidentsOf' | 'incidents'>;
  /** Null: no incident holds others. */
  readonly inhibitorOf: InhibitorOf | null;
  /** Maintenance windows in force at a time, epoch ms. */
  readonly windows: (now: number) => readonly Silence[];
}

/** What a review reads of all that is held. */
interface Seen {
  /** The ends of what is held, and what was told before it, by key. */
  readonly deliveries: ReadonlyMap<string, Delivery>;
  /** Those that count for what they have become since they opened, by id. */
  readonly incidents: ReadonlyMap<string, Incident>;
  readonly coverageAtEnds: Coverage;
}

const endKeyOf = ({ incident, receiver }: Notification): string =>
  notificationKey(incident.id, receiver, 'resolved', roundOf(incident));

/** Whether an incident that a silence covers may leave it. */
const mayLose = (silence: Silence): boolean => dependsOnCourse(silence) || dependsOnMembers(silence);

const NOBODY: Inhibitor = { holds: () => null };

/**
 * What becomes of held deliveries. A firing message that a silence covers, or that an incident inhibits, is held. When its
 * incident ends before what holds it, nobody hears of it; otherwise the message goes out then. A receiver that got the
 * firing message always gets the resolved one: somebody may wait for it.
 */
export class Holding {
  readonly #deps: HoldingDeps;
  readonly #heldOnes: HeldDeliveries;
  #inhibitor: { readonly at: number; readonly is: Inhibitor } | null = null;
  /** In a review: what held others at a moment in the past. Those of one host mostly end at the same. */
  #inhibitorAtEnd: { readonly at: number; readonly is: Inhibitor } | null = null;
  /** Something may hold an incident for what it has become. */
  #isByCourse = false;
  /** Silences in force, and deliveries that are held, at the last review. */
  active = 0;
  held = 0;
  /** Ends of silences that were told, by id. */
  #told = new Map<string, number>();
  /** By their JSON, so that one that has not changed is the same object as before. */
  #inForce: ReadonlyMap<string, Silence> = new Map();
  #newest: { readonly text: string; readonly covering: Coverage } = { text: '', covering: coverage([]) };

  constructor(deps: HoldingDeps) {
    this.#deps = deps;
    this.#heldOnes = new HeldDeliveries(deps.state);
  }

  /** What may hold messages at `now`, epoch ms; `isIdle`: nothing does. */
  async facts(now: number): Promise<HoldFacts & { readonly isIdle: boolean }> {
    const silences = await this.#silencesAt(now);
    const isIdle = silences.length === 0 && this.#deps.inhibitorOf === null;
    return { ...(await this.#factsOf(silences, now)), isIdle };
  }

  #factsOf = async (silences: readonly Silence[], now: number): Promise<HoldFacts> => ({
    ...{ now, coverage: this.#compiled(silences), inhibitor: await this.#inhibitorAt(now) },
  });

  /** Release or end what is held; false when the lease is lost. The cost is that of what may change, and of the keys. */
  async review(lease: Lease, now: number): Promise<boolean> {
    const { state, inhibitorOf } = this.#deps;
    const keys = await state.deliveryKeys('held');
    const silences = await this.#silencesAt(now);
    const facts = await this.#factsOf(silences, now);
    this.held = keys.length;
    this.active = silences.length;
    this.#isByCourse = inhibitorOf !== null || silences.some(mayLose);
    this.#inhibitorAtEnd = null;
    const changed = await this.#heldOnes.changed(keys, silences);
    for (let i = 0; i < changed.length; i += PAGE)
      if (!(await this.#reviewPage(lease, changed.slice(i, i + PAGE), facts))) return false;
    return true;
  }

  async #reviewPage(lease: Lease, keys: readonly string[], facts: HoldFacts): Promise<boolean> {
    const { state } = this.#deps;
    const known = await state.deliveriesOf(keys);
    const held = keys.flatMap(key => known.get(key) ?? []);
    const seen = await this.#seenOf(held, facts);
    const changes: DeliveryChange[] = [];
    for (const delivery of held) changes.push(...(await this.#reviewOne(delivery, facts, seen)));
    return changes.length === 0 || state.updateDeliveries(lease, changes);
  }

  /** Those that end soon and held something at the last review, each once. */
  expiring(now: number): { readonly silence: Silence; readonly held: number }[] {
    const soon = [...this.#heldOnes.bySilence()].filter(
      ([{ id, until }]) => until - now <= SOON_MS && this.#told.get(id) !== until,
    );
    this.#told = new Map([
      ...[...this.#told].filter(([, until]) => until > now),
      ...soon.map(([{ id, until }]) => [id, until] as const),
    ]);
    return soon.map(([silence, held]) => ({ silence, held }));
  }

  /** All that is known of what is held. */
  async #seenOf(held: readonly Delivery[], facts: HoldFacts): Promise<Seen> {
    const { state } = this.#deps;
    const notifications = held.map(({ notification }) => notification);
    const keys = notifications.flatMap(one => [endKeyOf(one), ...keysBefore(one)]);
    const opened = notifications.map(({ incident }) => incident).filter(one => this.#hasCourse(one, facts));
    const deliveries = await state.deliveriesOf([...new Set(keys)]);
    const incidents = await state.incidentsOf([...new Set(opened.map(({ id }) => id))]);
    return { deliveries, incidents, coverageAtEnds: await this.#coverageAtEnds(deliveries.values()) };
  }

  /** What covered incidents when they ended, whatever has become of it since. */
  async #coverageAtEnds(deliveries: Iterable<Delivery>): Promise<Coverage> {
    const { state, windows } = this.#deps;
    const times = [...deliveries].flatMap(({ notification }) => notification.incident.resolvedAt ?? []);
    if (times.length === 0) return () => null;
    const first = times.reduce((least, time) => Math.min(least, time));
    const covering = coverage(await state.silences(first));
    return (incident, at) => covering(incident, at) ?? coverage(windows(at))(incident, at);
  }

  async #reviewOne(
    { notification, attempts, lastError }: Delivery,
    facts: HoldFacts,
    { deliveries, incidents, coverageAtEnds }: Seen,
  ): Promise<DeliveryChange[]> {
    const { key, occasion } = notification;
    const incident = incidents.get(notification.incident.id) ?? notification.incident;
    const endKey = endKeyOf(notification);
    const end = deliveries.get(endKey);
    const silence = facts.coverage(incident, facts.now);
    const by = holdOf(incident, facts) ?? (end ? await this.#holdAtEnd(end, coverageAtEnds) : null);
    const to = (status: DeliveryOutcome['status']) => ({
      ...{ status, attempts, nextAttempt: facts.now, lastError: by },
    });
    if (by === null) return [{ key, outcome: to('pending') }];
    if (!end) {
      this.#heldOnes.keep(key, { end: endKey, by: silence, incident });
      // What holds it may be another silence than at first, or the same until another time.
      const isTold = silence === null || by !== silenceText(silence) || by === lastError;
      return isTold ? [] : [{ key, outcome: to('held') }];
    }
    const own = { key, outcome: to('silenced') };
    // That it became critical, flaps or fires again was held; that it began may have been told, and so its end is.
    const isTold =
      occasion === 'worse' || occasion === 'flapping' || unendedBefore(notification, deliveries) !== null;
    return isTold ? [own] : [{ key: end.notification.key, outcome: to('silenced') }, own];
  }

  /** What held an incident when it ended; that itself may have ended since. */
  async #holdAtEnd(
    { notification, status, lastError }: Delivery,
    coverageAtEnds: Coverage,
  ): Promise<string | null> {
    // Silenced by a process that died before it came to the firing message.
    if (status === 'silenced') return lastError;
    const { incident } = notification;
    const { resolvedAt } = incident;
    if (resolvedAt === null) return null;
    const by = (await this.#inhibitorBefore(resolvedAt)).holds(incident);
    if (by !== null) return by;
    const silence = coverageAtEnds(incident, resolvedAt);
    return silence && silenceText(silence);
  }

  /** Also of those that ended at that moment: what one thing has caused mostly ends together. */
  async #inhibitorBefore(at: number): Promise<Inhibitor> {
    const { state, inhibitorOf } = this.#deps;
    if (inhibitorOf === null) return NOBODY;
    if (this.#inhibitorAtEnd?.at !== at)
      this.#inhibitorAtEnd = { at, is: inhibitorOf(await state.incidents({ from: at - 1, to: at }, FIRING)) };
    return this.#inhibitorAtEnd.is;
  }

  /** Whether what an incident has become since it opened counts, as in the stages. */
  #hasCourse(opened: Incident, { coverage: covering, now }: HoldFacts): boolean {
    if (!this.#isByCourse) return false;
    const silence = covering(opened, now);
    return silence === null || mayLose(silence);
  }

  /** Those in force, epoch ms, with maintenance windows. */
  async #silencesAt(now: number): Promise<Silence[]> {
    const added = await this.#deps.state.silences(now);
    const all = [...added.filter(silence => isInForce(silence, now)), ...this.#deps.windows(now)];
    const before = this.#inForce;
    this.#inForce = new Map(
      all.map(silence => {
        const text = JSON.stringify(silence);
        return [text, before.get(text) ?? silence];
      }),
    );
    return [...this.#inForce.values()];
  }

  /** Compiled again only when they have changed: every delivery asks. */
  #compiled(silences: readonly Silence[]): Coverage {
    const text = silences.map(silence => JSON.stringify(silence)).join();
    if (this.#newest.text !== text) this.#newest = { text, covering: coverage(silences) };
    return this.#newest.covering;
  }

  async #inhibitorAt(now: number): Promise<Inhibitor> {
    const { state, inhibitorOf } = this.#deps;
    if (inhibitorOf === null) return NOBODY;
    if (this.#inhibitor === null || Math.abs(now - this.#inhibitor.at) >= FRESH_MS)
      this.#inhibitor = {
        at: now,
        is: inhibitorOf(await state.incidents({ from: now, to: now + 1 }, FIRING)),
      };
    return this.#inhibitor.is;
  }
}
