import type { PolicyFacts } from '../../alert/policy/contract.ts';
import { groupKey } from '../../alert/policy/group.ts';
import { type Message, messagesOf, toldOf } from '../../alert/policy/message.ts';
import type { Router } from '../../alert/policy/router.ts';
import { applyPolicy, withoutStopped } from '../../alert/policy/stages.ts';
import type { Clock } from '../../core/clock.ts';
import { beginningAndEnd } from '../../core/incident/incident.ts';
import type { Log } from '../../core/log.ts';
import type {
  Acks,
  Deliveries,
  Delivery,
  DeliveryChange,
  Incidents,
  Lease,
  Silences,
} from '../../state/contract.ts';
import type { Holding } from './holding.ts';
import { keysBefore, unendedBefore } from './unended.ts';

/** Newest deliveries that are looked at to know when each group was told last. */
const RECENT = 500;
/** Groups that were told for so long ago are as new, ms: no interval is longer. */
const FORGET_MS = 86_400_000;

export interface PlannerDeps {
  readonly state: Deliveries & Silences & Acks & Pick<Incidents, 'incidentsOf'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly router: Router;
  readonly holding: Holding;
  /** Of the policy. */
  readonly lease: Lease;
  /** Called when the lease turns out to be somebody else's. */
  readonly onLost: () => void;
  /** Whether the outcome of an attempt at it has still to be recorded: no stage may stop it any more. */
  readonly isAttempted: (key: string) => boolean;
}

/** What is due to one receiver, through the stages of the policy, as messages; what is stopped is recorded with its reason. */
export class Planner {
  readonly #receiver: string;
  readonly #grouping: boolean;
  readonly #deps: PlannerDeps;
  readonly #gathering = new Map<string, number>();
  #told: Map<string, number> | null = null;

  constructor(receiver: string, grouping: boolean, deps: PlannerDeps) {
    this.#receiver = receiver;
    this.#grouping = grouping;
    this.#deps = deps;
  }

  async plan(due: readonly Delivery[]): Promise<Message[]> {
    if (due.length === 0) return [];
    const { router, isAttempted } = this.#deps;
    const members = await this.#deps.state.deliveriesOf(due.flatMap(({ members = [] }) => members));
    const facts = await this.#facts([...due, ...members.values()]);
    const attempted = due.filter(({ notification }) => isAttempted(notification.key));
    const rest = due.filter(({ notification }) => !isAttempted(notification.key));
    const { due: on, halted } = applyPolicy(rest, facts, { grouping: this.#grouping });
    const alone = (lead: Delivery): Message => ({ lead, others: [], group: null });
    const whole = (message: Message) => withMembers(message, members);
    const messages = (this.#grouping ? messagesOf(on, router) : on.map(alone)).map(message =>
      message.lead.members ? withoutStopped(whole(message), facts) : message,
    );
    const empty = messages.filter(message => toldOf(message).length === 0);
    await this.#record([...halted, ...empty.flatMap(({ leftOut = [] }) => leftOut)], facts);
    return [
      ...attempted.map(lead => whole(alone(lead))),
      ...messages.filter(message => !empty.includes(message)),
    ];
  }

  /** The message goes out at `now`, epoch ms: what comes for its group from then on waits for the next. */
  began({ group }: Message, now: number): void {
    if (group === null) return;
    this.#gathering.delete(group);
    forgetBefore(this.#gathering, now - FORGET_MS);
    // Again at the end: those told longest ago are first.
    this.#told?.delete(group);
    this.#told?.set(group, now);
    if (this.#told) forgetBefore(this.#told, now - FORGET_MS);
  }

  async #record(
    halted: ReturnType<typeof applyPolicy>['halted'],
    { now, router }: PolicyFacts,
  ): Promise<void> {
    if (halted.length === 0) return;
    const { state, lease, log, onLost } = this.#deps;
    const changes: DeliveryChange[] = halted.map(({ delivery, status, reason, until }) => {
      const { notification, attempts, failingSince, members } = delivery;
      const kept = {
        ...(failingSince === undefined ? {} : { failingSince }),
        // Those that went with it are held, or told, by themselves.
        ...(members === undefined ? {} : { members: status === 'held' ? [] : members }),
      };
      const outcome = { status, attempts, nextAttempt: until ?? now, lastError: reason, ...kept };
      return { key: notification.key, outcome };
    });
    if (!(await state.updateDeliveries(lease, changes))) onLost();
    for (const { delivery, stage, status, reason, until } of halted) {
      const { notification } = delivery;
      if (until !== undefined) this.#gathering.set(groupKey(notification, router), until);
      const level = status === 'pending' ? 'debug' : 'info';
      log[level]({ receiver: this.#receiver, key: notification.key, stage, reason }, `delivery ${status}`);
    }
  }

  async #facts(due: readonly Delivery[]): Promise<PolicyFacts> {
    const { state, clock, router, holding } = this.#deps;
    const now = clock.now();
    this.#told ??= await this.#toldBefore();
    const { isIdle, ...hold } = await holding.facts(now);
    const news = due.filter(
      ({ notification: { status, occasion } }) => !isIdle || status === 'resolved' || occasion,
    );
    const isRepeating = due.some(({ notification }) => notification.occasion === 'repeat');
    const acks = isRepeating ? await state.acks() : [];
    const ids = [...new Set(news.map(({ notification }) => notification.incident.id))];
    const incidents = await state.incidentsOf(ids);
    return {
      ...{ now, router, incidents, beginnings: await this.#beginningsOf(due) },
      ...{ gathering: this.#gathering, told: this.#told, ...hold },
      acks: new Map(acks.map(ack => [ack.incident, ack])),
    };
  }

  async #beginningsOf(due: readonly Delivery[]): Promise<Map<string, Delivery>> {
    const ends = due
      .map(({ notification }) => notification)
      .filter(({ status }) => status === 'resolved')
      .map(notification => ({ notification, firing: beginningAndEnd(notification.key)?.firing ?? '' }));
    const keys = ends.flatMap(({ notification, firing }) => [firing, ...keysBefore(notification)]);
    const known = await this.#deps.state.deliveriesOf(keys);
    const found = ends.map(({ notification, firing }) => {
      const own = known.get(firing);
      const isTold = own !== undefined && own.status !== 'silenced';
      return [notification.key, isTold ? own : (unendedBefore(notification, known) ?? own)] as const;
    });
    return new Map(found.flatMap(([key, beginning]) => (beginning ? [[key, beginning] as const] : [])));
  }

  /** When each group was told last by whoever delivered before. */
  async #toldBefore(): Promise<Map<string, number>> {
    const told = new Map<string, number>();
    if (!this.#grouping) return told;
    for (const { notification, nextAttempt } of await this.#deps.state.deliveries('delivered', RECENT)) {
      if (notification.receiver !== this.#receiver) continue;
      const key = groupKey(notification, this.#deps.router);
      told.set(key, Math.max(nextAttempt, told.get(key) ?? 0));
    }
    return told;
  }
}

/** One that was decided, with the others that were. */
function withMembers(message: Message, known: ReadonlyMap<string, Delivery>): Message {
  const { members = [] } = message.lead;
  return members.length === 0
    ? message
    : { ...message, others: members.flatMap(key => known.get(key) ?? []) };
}

/** Take the entries that are older than `time` from the beginning of a map that is in their order. */
function forgetBefore(map: Map<string, number>, time: number): void {
  for (const [key, at] of map) {
    if (at >= time) return;
    map.delete(key);
  }
}
