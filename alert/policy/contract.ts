import type { Ack } from '../../core/incident/ack.ts';
import type { Incident } from '../../core/incident/incident.ts';
import type { Coverage } from '../../core/incident/silence.ts';
import type { Delivery, DeliveryStatus } from '../../state/contract.ts';
import type { Inhibitor } from './inhibit.ts';
import type { Router } from './router.ts';

/** What the stages of the policy know besides the deliveries. All of it was read before they run. */
export interface PolicyFacts {
  /** Epoch ms. */
  readonly now: number;
  readonly router: Router;
  /** The silence that covers an incident now. */
  readonly coverage: Coverage;
  readonly inhibitor: Inhibitor;
  /** Incidents as they are now, by id, where that matters: of what only begins, when something may hold it. */
  readonly incidents: ReadonlyMap<string, Incident>;
  /** Who has taken an incident on, by its id. */
  readonly acks: ReadonlyMap<string, Ack>;
  /** The beginning of what is over, by the key of that delivery. */
  readonly beginnings: ReadonlyMap<string, Delivery>;
  /** Until when each group waits for more, and when its last message went out, epoch ms; by groupKey. */
  readonly gathering: ReadonlyMap<string, number>;
  readonly told: ReadonlyMap<string, number>;
}

/** A delivery that goes no further now, and why. `until`: when it comes back, epoch ms, if it is still pending. */
export interface Halted {
  readonly delivery: Delivery;
  readonly status: Extract<DeliveryStatus, 'pending' | 'held' | 'silenced' | 'outdated'>;
  readonly reason: string;
  readonly until?: number;
}

/** The same with the name of the stage that stopped it. */
export interface Stopped extends Halted {
  readonly stage: string;
}

/** One step from what is due to what is sent. Pure: returns what goes on, and a reason for each that does not. */
export interface PolicyStage {
  readonly name: string;
  run(
    due: readonly Delivery[],
    facts: PolicyFacts,
  ): { readonly due: readonly Delivery[]; readonly halted: readonly Halted[] };
}

/** What becomes of a delivery by itself; null: it goes on. */
export type Judge = (delivery: Delivery, facts: PolicyFacts) => Omit<Halted, 'delivery'> | null;

/**
 * A stage that looks at each delivery by itself. A group that was decided stays together and goes out, as the receiver may
 * have it without having said so; what is left out of it see `withoutStopped`.
 */
export function judging(name: string, judge: Judge): PolicyStage & { readonly judge: Judge } {
  return {
    name,
    judge,
    run(due, facts) {
      const on: Delivery[] = [];
      const halted: Halted[] = [];
      for (const delivery of due) {
        const isGroup = (delivery.members?.length ?? 0) > 0;
        const found = isGroup ? null : judge(delivery, facts);
        if (found) halted.push({ delivery, ...found });
        else on.push(delivery);
      }
      return { due: on, halted };
    },
  };
}
